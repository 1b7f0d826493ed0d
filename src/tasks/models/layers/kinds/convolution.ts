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
  type Pair,
  padding,
  pair,
  type Shape,
  valuesOf,
  windowed,
} from '../layer-kind.ts';

const fields = {
  ...common,
  kernel: pair.describe('height and width of the filters'),
  strides: pair,
  padding,
  dilation: pair,
  activation,
  bias,
  deviation,
};
const multiplier = z.int().min(1).max(64).describe('filters for each channel');

interface Filtering {
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly padding: 'same' | 'valid';
  readonly dilation: Pair;
}

function filtered(
  layer: Filtering,
  inputs: readonly Shape[],
  channelsOf: (channels: number) => number,
): Shape | string {
  const input = oneOf(inputs, 3);
  if (typeof input === 'string') return input;
  if (valuesOf(layer.strides) > 1 && valuesOf(layer.dilation) > 1)
    return 'strides and dilation cannot both be above 1';
  const sides = windowed(input, { ...layer, window: layer.kernel });
  return typeof sides === 'string' ? sides : [...sides, channelsOf(input[2]!)];
}

function readFiltering(config: LayerConfig) {
  config.only('data_format', 'channels_last', 'export the model with channels last');
  config.only('groups', 1, 'use Conv2D with groups of 1, or DepthwiseConv2D');
  return {
    kernel: config.pair('kernel_size'),
    strides: config.pair('strides', [1, 1]),
    padding: config.padding(),
    dilation: config.pair('dilation_rate', [1, 1]),
    activation: config.activation(),
    bias: config.flag('use_bias', true),
  };
}

function writeFiltering(layer: Filtering & { readonly activation: string; readonly bias: boolean }) {
  return {
    kernel_size: layer.kernel,
    strides: layer.strides,
    padding: layer.padding,
    dilation_rate: layer.dilation,
    activation: layer.activation,
    use_bias: layer.bias,
    data_format: 'channels_last',
  };
}

export const conv2d = defineLayer({
  kind: 'conv2d',
  schema: z.strictObject({ kind: z.literal('conv2d'), filters: length, ...fields }),
  shape: (layer, inputs) => filtered(layer, inputs, () => layer.filters),
  layout(layer, [input], layout) {
    const shape = [...layer.kernel, input![2]!, layer.filters];
    layout.add(`${layer.name}/kernel`, shape, withDeviation(layer.deviation));
    if (layer.bias) layout.add(`${layer.name}/bias`, [layer.filters], { kind: 'zeros' });
  },
  read: {
    Conv2D(config, [input]) {
      const [filters, filtering] = [config.count('filters'), readFiltering(config)];
      const area = valuesOf(filtering.kernel);
      const fans = { fanIn: area * (input?.[2] ?? 1), fanOut: area * filters };
      return { filters, ...filtering, deviation: config.deviation('kernel_initializer', fans) };
    },
  },
  keras: (layer) => ({ className: 'Conv2D', config: { filters: layer.filters, ...writeFiltering(layer) } }),
});

export const depthwiseConv2d = defineLayer({
  kind: 'depthwise-conv2d',
  schema: z.strictObject({
    kind: z.literal('depthwise-conv2d').describe('filters of one channel each'),
    multiplier,
    ...fields,
  }),
  shape: (layer, inputs) => filtered(layer, inputs, (channels) => channels * layer.multiplier),
  layout(layer, [input], layout) {
    const shape = [...layer.kernel, input![2]!, layer.multiplier];
    layout.add(`${layer.name}/depthwise_kernel`, shape, withDeviation(layer.deviation));
    if (layer.bias) layout.add(`${layer.name}/bias`, [input![2]! * layer.multiplier], { kind: 'zeros' });
  },
  read: {
    DepthwiseConv2D(config, [input]) {
      const [times, filtering] = [config.count('depth_multiplier', 1), readFiltering(config)];
      const area = valuesOf(filtering.kernel);
      const fans = { fanIn: area * (input?.[2] ?? 1), fanOut: area * times };
      return { multiplier: times, ...filtering, deviation: config.deviation('depthwise_initializer', fans) };
    },
  },
  keras: (layer) => ({
    className: 'DepthwiseConv2D',
    config: { depth_multiplier: layer.multiplier, ...writeFiltering(layer) },
  }),
});

export const separableConv2d = defineLayer({
  kind: 'separable-conv2d',
  schema: z.strictObject({
    kind: z.literal('separable-conv2d').describe('filters of one channel each, then sums over channels'),
    filters: length,
    multiplier,
    ...fields,
    pointwiseDeviation: deviation,
  }),
  shape: (layer, inputs) => filtered(layer, inputs, () => layer.filters),
  layout(layer, [input], layout) {
    const channels = input![2]! * layer.multiplier;
    const shape = [...layer.kernel, input![2]!, layer.multiplier];
    layout.add(`${layer.name}/depthwise_kernel`, shape, withDeviation(layer.deviation));
    const pointwise = withDeviation(layer.pointwiseDeviation);
    layout.add(`${layer.name}/pointwise_kernel`, [1, 1, channels, layer.filters], pointwise);
    if (layer.bias) layout.add(`${layer.name}/bias`, [layer.filters], { kind: 'zeros' });
  },
  read: {
    SeparableConv2D(config, [input]) {
      const [filters, times] = [config.count('filters'), config.count('depth_multiplier', 1)];
      const filtering = readFiltering(config);
      const [area, channels] = [valuesOf(filtering.kernel), input?.[2] ?? 1];
      const fans = { fanIn: area * channels, fanOut: area * times };
      const pointwise = { fanIn: channels * times, fanOut: filters };
      return {
        filters,
        multiplier: times,
        ...filtering,
        deviation: config.deviation('depthwise_initializer', fans),
        pointwiseDeviation: config.deviation('pointwise_initializer', pointwise),
      };
    },
  },
  keras: (layer) => ({
    className: 'SeparableConv2D',
    config: { filters: layer.filters, depth_multiplier: layer.multiplier, ...writeFiltering(layer) },
  }),
});
