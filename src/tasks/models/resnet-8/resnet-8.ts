import * as z from 'zod';
import type { LayerSpec } from '../layers/layer-kinds.ts';
import type { ModelKind } from '../model-kind.ts';
import { convolutionOf, denseLayers, groupNormOf, reluOf } from '../parts/as-layers.ts';
import { imageFields } from '../parts/fields.ts';
import { imageStarter } from '../parts/image-starter.ts';

const schema = z.strictObject({
  kind: z.literal('resnet-8').describe('three residual blocks of 16, 32, 64 channels, group normalisation'),
  ...imageFields,
});
export type Resnet8Spec = z.infer<typeof schema>;

/** Channels in and out, and the stride, of the residual blocks. */
export const blocks = [
  { inputs: 16, outputs: 16, stride: 1 },
  { inputs: 16, outputs: 32, stride: 2 },
  { inputs: 32, outputs: 64, stride: 2 },
] as const;

/** Eight channels a group in the stem; batch statistics would differ between peers. */
export const groups = 2;

export const resnet8: ModelKind<typeof schema> = {
  kind: 'resnet-8',
  schema,
  examples: [{ kind: 'resnet-8', height: 16, width: 16, channels: 1, outputs: 4 }],
  takes: () => 'pixels',
  exampleShape: ({ height, width, channels }) => [height, width, channels],
  outputs: (model) => model.outputs,
  // One block a stage, three stages (He et al., "Deep residual learning", 2016, n = 1), with group normalisation.
  layout: (model, layout) => {
    layout.convolution('stem', 3, model.channels, 16, false);
    layout.norm('stem_norm', 16);
    for (const [index, { inputs, outputs, stride }] of blocks.entries()) {
      const name = `block_${index}`;
      layout.convolution(`${name}/conv_0`, 3, inputs, outputs, false);
      layout.norm(`${name}/norm_0`, outputs);
      layout.convolution(`${name}/conv_1`, 3, outputs, outputs, false);
      layout.norm(`${name}/norm_1`, outputs);
      if (stride > 1) layout.convolution(`${name}/shortcut`, 1, inputs, outputs, false);
    }
    layout.denseStack([64, model.outputs]);
  },
  starter: (size) => imageStarter('resnet-8', size),
  rowsPerPass: 50,
  loadForward: () => import('./resnet-8-forward.ts'),
  asLayers: (model) => ({
    kind: 'layers',
    input: [model.height, model.width, model.channels],
    layers: [
      convolutionOf('stem', 3, 16, { bias: false }),
      groupNormOf('stem_norm', groups),
      reluOf('stem_relu'),
      ...blocks.flatMap(({ outputs, stride }, index) =>
        blockOf(`block_${index}`, index === 0 ? 'stem_relu' : `block_${index - 1}/relu`, outputs, stride),
      ),
      { kind: 'global-average-pooling2d', name: 'pool' },
      ...denseLayers([64, model.outputs]),
    ],
  }),
};

function blockOf(name: string, from: string, outputs: number, stride: number): LayerSpec[] {
  const at = (part: string): string => `${name}/${part}`;
  const shortcut =
    stride === 1 ? [] : [convolutionOf(at('shortcut'), 1, outputs, { bias: false, stride, from })];
  return [
    convolutionOf(at('conv_0'), 3, outputs, { bias: false, stride, from }),
    groupNormOf(at('norm_0'), groups),
    reluOf(at('relu_0')),
    convolutionOf(at('conv_1'), 3, outputs, { bias: false }),
    groupNormOf(at('norm_1'), groups),
    ...shortcut,
    { kind: 'add', name: at('sum'), from: [at('norm_1'), stride === 1 ? from : at('shortcut')] },
    reluOf(at('relu')),
  ];
}
