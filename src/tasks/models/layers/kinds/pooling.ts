import * as z from 'zod';
import type { LayerConfig } from '../layer-config.ts';
import {
  common,
  defineLayer,
  oneOf,
  type Pair,
  padding,
  pair,
  type Shape,
  valuesOf,
  windowed,
} from '../layer-kind.ts';

const fields = { ...common, pool: pair.describe('height and width of the windows'), strides: pair, padding };

interface Pooling {
  readonly pool: Pair;
  readonly strides: Pair;
  readonly padding: 'same' | 'valid';
}

function pooled(layer: Pooling, inputs: readonly Shape[]): Shape | string {
  const input = oneOf(inputs, 3);
  if (typeof input === 'string') return input;
  const sides = windowed(input, { ...layer, window: layer.pool });
  return typeof sides === 'string' ? sides : [...sides, input[2]!];
}

function comparisons(layer: Pooling, inputs: readonly Shape[]): number {
  const shape = pooled(layer, inputs);
  return typeof shape === 'string' ? 0 : valuesOf(shape) * valuesOf(layer.pool);
}

function readPooling(config: LayerConfig): object {
  config.only('data_format', 'channels_last', 'export the model with channels last');
  const pool = config.pair('pool_size', [2, 2]);
  return { pool, strides: config.pair('strides', pool), padding: config.padding() };
}

function writePooling({ pool, strides, padding: pad }: Pooling): Record<string, unknown> {
  return { pool_size: pool, strides, padding: pad, data_format: 'channels_last' };
}

export const maxPooling2d = defineLayer({
  kind: 'max-pooling2d',
  schema: z.strictObject({ kind: z.literal('max-pooling2d'), ...fields }),
  shape: pooled,
  work: comparisons,
  read: { MaxPooling2D: readPooling },
  keras: (layer) => ({ className: 'MaxPooling2D', config: writePooling(layer) }),
});

export const averagePooling2d = defineLayer({
  kind: 'average-pooling2d',
  schema: z.strictObject({ kind: z.literal('average-pooling2d'), ...fields }),
  shape: pooled,
  work: comparisons,
  read: { AveragePooling2D: readPooling },
  keras: (layer) => ({ className: 'AveragePooling2D', config: writePooling(layer) }),
});

function overall(inputs: readonly Shape[]): Shape | string {
  const input = oneOf(inputs, 3);
  return typeof input === 'string' ? input : [input[2]!];
}

function readOverall(config: LayerConfig): object {
  config.only('data_format', 'channels_last', 'export the model with channels last');
  config.only('keepdims', false, 'leave keepdims out, or add a Reshape');
  return {};
}

export const globalAveragePooling2d = defineLayer({
  kind: 'global-average-pooling2d',
  schema: z.strictObject({ kind: z.literal('global-average-pooling2d'), ...common }),
  shape: (_, inputs) => overall(inputs),
  read: { GlobalAveragePooling2D: readOverall },
  keras: () => ({ className: 'GlobalAveragePooling2D', config: { data_format: 'channels_last' } }),
});

export const globalMaxPooling2d = defineLayer({
  kind: 'global-max-pooling2d',
  schema: z.strictObject({ kind: z.literal('global-max-pooling2d'), ...common }),
  shape: (_, inputs) => overall(inputs),
  read: { GlobalMaxPooling2D: readOverall },
  keras: () => ({ className: 'GlobalMaxPooling2D', config: { data_format: 'channels_last' } }),
});
