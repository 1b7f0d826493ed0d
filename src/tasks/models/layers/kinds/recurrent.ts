/** Layers that carry a state from step to step, with the gates of Keras: tanh inside, sigmoid at the gates. */
import * as z from 'zod';
import { type LayoutBuilder, withDeviation } from '../../parts/layout-builder.ts';
import type { LayerConfig } from '../layer-config.ts';
import { bias, common, defineLayer, deviation, length, oneOf, type Shape, written } from '../layer-kind.ts';

const fields = {
  ...common,
  units: length,
  sequences: z
    .boolean()
    .describe('whether it gives its values after every step, or those after the last alone'),
  bias,
  deviation,
  recurrentDeviation: deviation,
};

interface Recurrent {
  readonly name: string;
  readonly units: number;
  readonly sequences: boolean;
  readonly bias: boolean;
  readonly deviation: number;
  readonly recurrentDeviation: number;
}

/** Each takes operations of its own, forth and back: longer ones train slowly. Guess. */
const stepsMax = 1024;

function shape({ units, sequences }: Recurrent, inputs: readonly Shape[]): Shape | string {
  const input = oneOf(inputs);
  if (typeof input === 'string') return input;
  if (input.length !== 2) return `takes a sequence (steps x channels), not ${written(input)}`;
  if (input[0]! > stepsMax) return `takes at most ${stepsMax} steps, not ${input[0]}`;
  return sequences ? [input[0]!, units] : [units];
}

function addKernels(layer: Recurrent, gates: number, input: Shape, layout: LayoutBuilder): void {
  const { name, units } = layer;
  layout.add(`${name}/kernel`, [input[1]!, gates * units], withDeviation(layer.deviation));
  layout.add(`${name}/recurrent_kernel`, [units, gates * units], withDeviation(layer.recurrentDeviation));
}

/** Every weight at every step, whether or not all steps are given. */
function workOf({ units }: Recurrent, gates: number, [input]: readonly Shape[]): number {
  const [steps = 0, channels = 0] = input ?? [];
  return steps * gates * units * (channels + units);
}

function read(config: LayerConfig, gates: number, channels: number) {
  const units = config.count('units');
  const tanh = 'use the activations that are usual: tanh, and sigmoid at the gates';
  config.only('activation', 'tanh', tanh);
  if (config.get('recurrent_activation') === undefined)
    config.fail(`recurrent_activation is missing: ${tanh}`);
  config.only('recurrent_activation', 'sigmoid', tanh);
  const repeatable = 'a round must give the same bits whoever repeats it: set it to 0';
  config.only('dropout', 0, repeatable);
  config.only('recurrent_dropout', 0, repeatable);
  for (const field of ['implementation', 'unroll']) config.get(field);
  return {
    units,
    sequences: config.flag('return_sequences', false),
    bias: config.flag('use_bias', true),
    deviation: config.deviation('kernel_initializer', { fanIn: channels, fanOut: gates * units }),
    recurrentDeviation: config.deviation(
      'recurrent_initializer',
      { fanIn: units, fanOut: gates * units },
      'orthogonal',
    ),
  };
}

function write({ units, sequences, bias: use_bias }: Recurrent): Record<string, unknown> {
  const activations = { activation: 'tanh', recurrent_activation: 'sigmoid' };
  return { units, ...activations, use_bias, return_sequences: sequences };
}

export const lstm = defineLayer({
  kind: 'lstm',
  schema: z.strictObject({
    kind: z
      .literal('lstm')
      .describe('long short-term memory (Hochreiter, Schmidhuber 1997; gates i, f, c, o)'),
    ...fields,
    forgetBias: z.boolean().describe('whether the bias of the forget gate begins at 1'),
  }),
  shape,
  layout(layer, [input], layout) {
    addKernels(layer, 4, input!, layout);
    const { units, forgetBias } = layer;
    const start = forgetBias ? ({ kind: 'ones-among-zeros', from: units, to: 2 * units } as const) : null;
    if (layer.bias) layout.add(`${layer.name}/bias`, [4 * units], start ?? { kind: 'zeros' });
  },
  work: (layer, inputs) => workOf(layer, 4, inputs),
  isCausal: ({ sequences }) => sequences,
  read: {
    LSTM: (config, [input]) => ({
      ...read(config, 4, input?.[1] ?? 1),
      forgetBias: config.flag('unit_forget_bias', true),
    }),
  },
  keras: (layer) => ({ className: 'LSTM', config: { ...write(layer), unit_forget_bias: layer.forgetBias } }),
});

export const gru = defineLayer({
  kind: 'gru',
  schema: z.strictObject({
    kind: z.literal('gru').describe('gated recurrent unit (Cho et al. 2014; gates z, r, h)'),
    ...fields,
    resetAfter: z
      .boolean()
      .describe(
        'whether the reset gate acts on the product with the state, which then has a bias of its own',
      ),
  }),
  shape,
  layout(layer, [input], layout) {
    addKernels(layer, 3, input!, layout);
    const width = 3 * layer.units;
    const start = { kind: 'zeros' } as const;
    if (layer.bias) layout.add(`${layer.name}/bias`, layer.resetAfter ? [2, width] : [width], start);
  },
  work: (layer, inputs) => workOf(layer, 3, inputs),
  isCausal: ({ sequences }) => sequences,
  read: {
    GRU: (config, [input]) => ({
      ...read(config, 3, input?.[1] ?? 1),
      resetAfter: config.flag('reset_after', false),
    }),
  },
  // TensorFlow.js has the other order alone.
  keras: (layer) => (layer.resetAfter ? null : { className: 'GRU', config: write(layer) }),
});
