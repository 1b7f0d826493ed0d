import * as z from 'zod';
import type { ModelKind } from '../model-kind.ts';
import { denseModelOf } from '../parts/as-layers.ts';
import { denseWidthsOf } from '../parts/dense-stack.ts';
import { count, inputs, outputs } from '../parts/fields.ts';

const schema = z.strictObject({
  kind: z.literal('mlp'),
  inputs,
  hidden: z
    .array(count(1, 1 << 16))
    .min(1)
    .max(16)
    .describe('units of each hidden layer, ReLU after each'),
  outputs,
});
export type MlpSpec = z.infer<typeof schema>;

export const mlp: ModelKind<typeof schema> = {
  kind: 'mlp',
  schema,
  examples: [{ kind: 'mlp', inputs: 7, hidden: [9, 5], outputs: 3 }],
  takes: () => 'features',
  exampleShape: (model) => [model.inputs],
  outputs: (model) => model.outputs,
  layout: (model, layout) => layout.denseStack(widthsOf(model)),
  starter: ({ shape, outputs }) => ({
    model: { kind: 'mlp', inputs: shape.reduce((product, side) => product * side, 1), hidden: [64], outputs },
    training: { localSteps: 30, batchSize: 32, learningRate: 0.1 },
    rounds: 100,
    slotMs: 1000,
  }),
  rowsPerPass: 1000,
  loadForward: () => import('./mlp-forward.ts'),
  ofTensors: (shapes) => {
    const [first, ...hidden] = denseWidthsOf(shapes) ?? [];
    const last = hidden.pop();
    if (first === undefined || last === undefined || hidden.length === 0) return null;
    return { kind: 'mlp', inputs: first, hidden, outputs: last };
  },
  asLayers: (model) => denseModelOf(widthsOf(model)),
};

function widthsOf(model: MlpSpec): number[] {
  return [model.inputs, ...model.hidden, model.outputs];
}
