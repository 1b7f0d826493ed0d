/** Layers over sequences: steps x channels. */
import * as z from 'zod';
import { withDeviation } from '../../parts/layout-builder.ts';
import type { LayerConfig } from '../layer-config.ts';
import {
  activation,
  bias,
  common,
  defineLayer,
  deviation,
  length,
  oneOf,
  type Shape,
  valuesOf,
} from '../layer-kind.ts';

const step = z.int().min(1).max(1024);
const stepPadding = z.enum(['same', 'valid', 'causal']);

interface Window {
  readonly window: number;
  readonly stride: number;
  readonly padding: 'same' | 'valid' | 'causal';
  readonly dilation?: number;
}

function sequenceOf(inputs: readonly Shape[]): Shape | string {
  const input = oneOf(inputs);
  if (typeof input === 'string' || input.length === 2) return input;
  return `takes a sequence (steps x channels), not ${input.join(' x ')}`;
}

/** Steps of what a window that moves over `steps` gives; a sentence where it does not fit in. */
function stepsAfter(steps: number, { window, stride, padding, dilation = 1 }: Window): number | string {
  const covered = (window - 1) * dilation + 1;
  const after = padding === 'valid' ? Math.floor((steps - covered) / stride) + 1 : Math.ceil(steps / stride);
  return after >= 1 ? after : `its window of ${covered} is longer than ${steps} steps`;
}

/** One number, or a list of one. */
function readStep(config: LayerConfig, field: string, otherwise?: number): number {
  const given = config.get(field) ?? otherwise;
  const value: unknown = Array.isArray(given) && given.length === 1 ? given[0] : given;
  if (Number.isInteger(value) && (value as number) >= 1) return value as number;
  return config.fail(`${field} must be a whole number of at least 1`);
}

function readStepPadding(config: LayerConfig): Window['padding'] {
  const given = config.get('padding') ?? 'valid';
  if (given === 'same' || given === 'valid' || given === 'causal') return given;
  return config.fail('padding must be same, valid or causal');
}

const channelsLast = (config: LayerConfig): void =>
  config.only('data_format', 'channels_last', 'export the model with channels last');

const convolutionSchema = z.strictObject({
  kind: z.literal('conv1d'),
  ...common,
  filters: length,
  kernel: step.describe('steps that a filter sees'),
  stride: step,
  padding: stepPadding.describe('causal: of the steps up to its own'),
  dilation: step,
  activation,
  bias,
  deviation,
});
type Convolution = z.infer<typeof convolutionSchema>;

export const conv1d = defineLayer({
  kind: 'conv1d',
  schema: convolutionSchema,
  shape(layer, inputs) {
    const input = sequenceOf(inputs);
    if (typeof input === 'string') return input;
    if (layer.stride > 1 && layer.dilation > 1) return 'strides and dilation cannot both be above 1';
    const steps = stepsAfter(input[0]!, { ...layer, window: layer.kernel });
    return typeof steps === 'string' ? steps : [steps, layer.filters];
  },
  layout(layer, [input], layout) {
    const shape = [layer.kernel, input![1]!, layer.filters];
    layout.add(`${layer.name}/kernel`, shape, withDeviation(layer.deviation));
    if (layer.bias) layout.add(`${layer.name}/bias`, [layer.filters], { kind: 'zeros' });
  },
  isCausal: ({ padding, stride }) => padding === 'causal' && stride === 1,
  read: {
    Conv1D(config, [input]) {
      channelsLast(config);
      config.only('groups', 1, 'use Conv1D with groups of 1');
      const [filters, kernel] = [config.count('filters'), readStep(config, 'kernel_size')];
      const fans = { fanIn: kernel * (input?.[1] ?? 1), fanOut: kernel * filters };
      return {
        filters,
        kernel,
        stride: readStep(config, 'strides', 1),
        padding: readStepPadding(config),
        dilation: readStep(config, 'dilation_rate', 1),
        activation: config.activation(),
        bias: config.flag('use_bias', true),
        deviation: config.deviation('kernel_initializer', fans),
      };
    },
  },
  // TensorFlow.js reads causal padding and cannot compute it.
  keras: (layer) =>
    layer.padding === 'causal' ? null : { className: 'Conv1D', config: writeConvolution(layer) },
});

function writeConvolution(layer: Convolution): Record<string, unknown> {
  return {
    ...{ filters: layer.filters, kernel_size: [layer.kernel], strides: [layer.stride] },
    ...{ padding: layer.padding, dilation_rate: [layer.dilation], activation: layer.activation },
    ...{ use_bias: layer.bias, data_format: 'channels_last' },
  };
}

const poolingFields = { ...common, pool: step, stride: step, padding: z.enum(['same', 'valid']) };

interface Pooling {
  readonly pool: number;
  readonly stride: number;
  readonly padding: 'same' | 'valid';
}

function pooled(layer: Pooling, inputs: readonly Shape[]): Shape | string {
  const input = sequenceOf(inputs);
  if (typeof input === 'string') return input;
  const steps = stepsAfter(input[0]!, { ...layer, window: layer.pool });
  return typeof steps === 'string' ? steps : [steps, input[1]!];
}

function comparisons(layer: Pooling, inputs: readonly Shape[]): number {
  const shape = pooled(layer, inputs);
  return typeof shape === 'string' ? 0 : valuesOf(shape) * layer.pool;
}

function readPooling(config: LayerConfig): object {
  channelsLast(config);
  const pool = readStep(config, 'pool_size', 2);
  return { pool, stride: readStep(config, 'strides', pool), padding: config.padding() };
}

function writePooling({ pool, stride, padding }: Pooling): Record<string, unknown> {
  return { pool_size: [pool], strides: [stride], padding };
}

export const maxPooling1d = defineLayer({
  kind: 'max-pooling1d',
  schema: z.strictObject({ kind: z.literal('max-pooling1d'), ...poolingFields }),
  shape: pooled,
  work: comparisons,
  read: { MaxPooling1D: readPooling },
  keras: (layer) => ({ className: 'MaxPooling1D', config: writePooling(layer) }),
});

export const averagePooling1d = defineLayer({
  kind: 'average-pooling1d',
  schema: z.strictObject({ kind: z.literal('average-pooling1d'), ...poolingFields }),
  shape: pooled,
  work: comparisons,
  read: { AveragePooling1D: readPooling },
  keras: (layer) => ({ className: 'AveragePooling1D', config: writePooling(layer) }),
});

function overall(inputs: readonly Shape[]): Shape | string {
  const input = sequenceOf(inputs);
  return typeof input === 'string' ? input : [input[1]!];
}

function readOverall(config: LayerConfig): object {
  channelsLast(config);
  config.only('keepdims', false, 'leave keepdims out, or add a Reshape');
  return {};
}

export const globalAveragePooling1d = defineLayer({
  kind: 'global-average-pooling1d',
  schema: z.strictObject({ kind: z.literal('global-average-pooling1d'), ...common }),
  shape: (_, inputs) => overall(inputs),
  read: { GlobalAveragePooling1D: readOverall },
  keras: () => ({ className: 'GlobalAveragePooling1D', config: {} }),
});

export const globalMaxPooling1d = defineLayer({
  kind: 'global-max-pooling1d',
  schema: z.strictObject({ kind: z.literal('global-max-pooling1d'), ...common }),
  shape: (_, inputs) => overall(inputs),
  read: { GlobalMaxPooling1D: readOverall },
  keras: () => ({ className: 'GlobalMaxPooling1D', config: {} }),
});

export const embedding = defineLayer({
  kind: 'embedding',
  schema: z.strictObject({
    kind: z
      .literal('embedding')
      .describe('a row of numbers for each byte: the first layer of a model of text'),
    ...common,
    symbols: length.describe('rows of its table: 256, one for each byte'),
    width: length,
    deviation,
  }),
  shape(layer, inputs) {
    const input = oneOf(inputs);
    if (typeof input === 'string') return input;
    return input.length === 1 ? [input[0]!, layer.width] : `takes a row of bytes, not ${input.join(' x ')}`;
  },
  // Rows are looked up.
  work: () => 0,
  layout: (layer, _inputs, layout) =>
    layout.add(`${layer.name}/embeddings`, [layer.symbols, layer.width], withDeviation(layer.deviation)),
  isCausal: () => true,
  read: {
    Embedding(config) {
      config.only('mask_zero', false, 'leave mask_zero out: all bytes are of the text');
      config.get('input_length');
      const [symbols, width] = [config.count('input_dim'), config.count('output_dim')];
      const fans = { fanIn: symbols, fanOut: width };
      const deviation = config.deviation('embeddings_initializer', fans, 'random_uniform');
      return { symbols, width, deviation };
    },
  },
  keras: ({ symbols, width }) => ({
    className: 'Embedding',
    config: { input_dim: symbols, output_dim: width },
  }),
});
