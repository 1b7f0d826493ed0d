/** Layers that only move values, or leave them alone. */
import * as z from 'zod';
import { activation, common, defineLayer, length, oneOf, valuesOf, written } from '../layer-kind.ts';

export const flatten = defineLayer({
  kind: 'flatten',
  schema: z.strictObject({ kind: z.literal('flatten'), ...common }),
  shape(_, inputs) {
    const input = oneOf(inputs);
    return typeof input === 'string' ? input : [valuesOf(input)];
  },
  read: {
    Flatten(config) {
      config.only('data_format', 'channels_last', 'export the model with channels last');
      return {};
    },
  },
  keras: () => ({ className: 'Flatten', config: {} }),
});

export const reshape = defineLayer({
  kind: 'reshape',
  schema: z.strictObject({ kind: z.literal('reshape'), ...common, shape: z.array(length).min(1).max(3) }),
  shape(layer, inputs) {
    const input = oneOf(inputs);
    if (typeof input === 'string') return input;
    if (valuesOf(layer.shape) === valuesOf(input)) return layer.shape;
    return `cannot make ${written(layer.shape)} of ${written(input)}`;
  },
  read: {
    Reshape(config, [input]) {
      const target = config.get('target_shape');
      if (!Array.isArray(target) || !target.every(Number.isInteger))
        return config.fail('target_shape must be a list of whole numbers');
      const known = (target as number[]).filter((each) => each !== -1);
      if (known.length + 1 < target.length)
        return config.fail('target_shape can leave one number open (-1), not more');
      const open = valuesOf(input ?? []) / valuesOf(known);
      return { shape: (target as number[]).map((each) => (each === -1 ? open : each)) };
    },
  },
  keras: ({ shape }) => ({ className: 'Reshape', config: { target_shape: shape } }),
});

const margin = z.int().min(0).max(256);

export const zeroPadding2d = defineLayer({
  kind: 'zero-padding2d',
  schema: z.strictObject({
    kind: z.literal('zero-padding2d'),
    ...common,
    height: z.tuple([margin, margin]).describe('rows of zeros above and below'),
    width: z.tuple([margin, margin]).describe('columns of zeros left and right'),
  }),
  shape({ height, width }, inputs) {
    const input = oneOf(inputs, 3);
    if (typeof input === 'string') return input;
    return [input[0]! + height[0] + height[1], input[1]! + width[0] + width[1], input[2]!];
  },
  read: {
    ZeroPadding2D(config) {
      config.only('data_format', 'channels_last', 'export the model with channels last');
      const given = config.get('padding') ?? 1;
      const sides = Array.isArray(given) ? given : [given, given];
      const [height, width] = sides.map((side) => (Array.isArray(side) ? side : [side, side]));
      return { height, width };
    },
  },
  keras: ({ height, width }) => ({ className: 'ZeroPadding2D', config: { padding: [height, width] } }),
});

export const activate = defineLayer({
  kind: 'activation',
  schema: z.strictObject({ kind: z.literal('activation'), ...common, activation }),
  shape: (_, inputs) => oneOf(inputs),
  isCausal: () => true,
  read: {
    Activation: (config) => ({ activation: config.activation() }),
    Identity: () => ({ activation: 'linear' }),
    ReLU(config) {
      config.only('negative_slope', 0, 'use elu or gelu where negative values must count');
      config.only('threshold', 0, 'leave it out');
      const largest = config.get('max_value');
      if (largest !== undefined && largest !== 6) return config.fail('max_value must be 6 or left out');
      return { activation: largest === 6 ? 'relu6' : 'relu' };
    },
    ELU(config) {
      config.only('alpha', 1, 'leave it out');
      return { activation: 'elu' };
    },
  },
  keras: ({ activation: name }) => ({ className: 'Activation', config: { activation: name } }),
});

export const dropout = defineLayer({
  kind: 'dropout',
  schema: z.strictObject({
    kind: z
      .literal('dropout')
      .describe('passes values on: a round must give the same bits whoever repeats it'),
    ...common,
    rate: z.number().min(0).max(1).describe('as the file has it; not applied'),
  }),
  shape: (_, inputs) => oneOf(inputs),
  isCausal: () => true,
  read: {
    Dropout: (config) => ({ rate: config.number('rate', 0) }),
    SpatialDropout2D(config) {
      config.get('data_format'); // It drops nothing, whichever dimension are the channels.
      return { rate: config.number('rate', 0) };
    },
  },
  keras: ({ rate }) => ({ className: 'Dropout', config: { rate } }),
});
