import * as z from 'zod';
import type { LayerConfig } from '../layer-config.ts';
import { common, defineLayer, length, oneOf } from '../layer-kind.ts';

const epsilon = z.number().min(1e-12).max(1).describe('added to the variance');

function readScaling(config: LayerConfig, rank: number): void {
  const axis = config.get('axis');
  const given = Array.isArray(axis) && axis.length === 1 ? (axis as unknown[])[0] : axis;
  if (given !== undefined && given !== -1 && given !== rank) config.fail('axis must be the last one (-1)');
  if (!config.flag('center', true) || !config.flag('scale', true))
    config.fail('center and scale must be true');
}

export const layerNormalization = defineLayer({
  kind: 'layer-normalization',
  schema: z.strictObject({
    kind: z.literal('layer-normalization').describe('over the last dimension (Ba, Kiros, Hinton 2016)'),
    ...common,
    epsilon,
  }),
  shape: (_, inputs) => oneOf(inputs),
  layout: (layer, [input], layout) => layout.norm(layer.name, input!.at(-1)!),
  isCausal: () => true,
  read: {
    LayerNormalization(config, [input]) {
      readScaling(config, input?.length ?? 1);
      return { epsilon: config.number('epsilon', 1e-3) };
    },
  },
  keras: (layer) => ({
    className: 'LayerNormalization',
    config: { axis: -1, epsilon: layer.epsilon },
    names: { gain: 'gamma', bias: 'beta' },
  }),
});

export const groupNormalization = defineLayer({
  kind: 'group-normalization',
  schema: z.strictObject({
    kind: z.literal('group-normalization').describe('over groups of channels (Wu, He 2018)'),
    ...common,
    groups: length,
    epsilon,
  }),
  shape(layer, inputs) {
    const input = oneOf(inputs, 3);
    if (typeof input === 'string' || input[2]! % layer.groups === 0) return input;
    return `its ${layer.groups} groups do not divide ${input[2]} channels`;
  },
  layout: (layer, [input], layout) => layout.norm(layer.name, input![2]!),
  read: {
    GroupNormalization(config, [input]) {
      readScaling(config, input?.length ?? 3);
      const groups = config.get('groups') ?? 32;
      // Keras: -1 is one group for each channel.
      return {
        groups: groups === -1 ? (input?.at(-1) ?? 1) : groups,
        epsilon: config.number('epsilon', 1e-3),
      };
    },
  },
  keras: () => null,
});
