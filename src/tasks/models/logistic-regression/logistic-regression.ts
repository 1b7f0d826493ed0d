import * as z from 'zod';
import type { ModelKind } from '../model-kind.ts';
import { denseModelOf } from '../parts/as-layers.ts';
import { denseWidthsOf } from '../parts/dense-stack.ts';
import { inputs, outputs } from '../parts/fields.ts';

const schema = z.strictObject({ kind: z.literal('logistic-regression'), inputs, outputs });
export type LogisticRegressionSpec = z.infer<typeof schema>;

export const logisticRegression: ModelKind<typeof schema> = {
  kind: 'logistic-regression',
  schema,
  examples: [{ kind: 'logistic-regression', inputs: 7, outputs: 3 }],
  takes: () => 'features',
  exampleShape: (model) => [model.inputs],
  outputs: (model) => model.outputs,
  layout: (model, layout) => layout.denseStack([model.inputs, model.outputs]),
  starter: ({ shape: [inputs = 0, ...more], outputs }) =>
    more.length > 0
      ? null
      : {
          model: { kind: 'logistic-regression', inputs, outputs },
          training: { localSteps: 10, batchSize: 16, learningRate: 0.05 },
          rounds: 40,
          slotMs: 1000,
        },
  rowsPerPass: 1000,
  loadForward: () => import('./logistic-regression-forward.ts'),
  ofTensors: (shapes) => {
    const [first, last, ...more] = denseWidthsOf(shapes) ?? [];
    if (first === undefined || last === undefined || more.length > 0) return null;
    return { kind: 'logistic-regression', inputs: first, outputs: last };
  },
  asLayers: (model) => denseModelOf([model.inputs, model.outputs]),
};
