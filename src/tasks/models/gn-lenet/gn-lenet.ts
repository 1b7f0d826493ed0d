import * as z from 'zod';
import type { ModelKind } from '../model-kind.ts';
import { convolutionOf, denseLayers, groupNormOf, halvingOf, reluOf } from '../parts/as-layers.ts';
import { imageFields } from '../parts/fields.ts';
import { imageStarter } from '../parts/image-starter.ts';

const schema = z.strictObject({
  kind: z
    .literal('gn-lenet')
    .describe('three 5x5 convolutions of 32, 32, 64 channels with group normalisation, one dense layer'),
  ...imageFields,
});
export type GnLenetSpec = z.infer<typeof schema>;

/** Channels out of the three convolutions (Hsieh et al., "The non-IID data quagmire", 2020). */
const channelsOut = [32, 32, 64] as const;

/** Of each normalisation, as in the experiments of decentralizepy (Dhasade et al. 2023). */
export const groups = 2;

export const gnLenet: ModelKind<typeof schema> = {
  kind: 'gn-lenet',
  schema,
  examples: [{ kind: 'gn-lenet', height: 16, width: 16, channels: 1, outputs: 4 }],
  takes: () => 'pixels',
  exampleShape: ({ height, width, channels }) => [height, width, channels],
  outputs: (model) => model.outputs,
  layout: (model, layout) => {
    for (const [index, outputs] of channelsOut.entries()) {
      layout.convolution(`conv_${index}`, 5, index === 0 ? model.channels : channelsOut[index - 1]!, outputs);
      layout.norm(`norm_${index}`, outputs);
    }
    layout.denseStack([featuresOf(model), model.outputs]);
  },
  starter: (size) => imageStarter('gn-lenet', size),
  rowsPerPass: 50,
  loadForward: () => import('./gn-lenet-forward.ts'),
  asLayers: (model) => ({
    kind: 'layers',
    input: [model.height, model.width, model.channels],
    layers: [
      ...channelsOut.flatMap((outputs, index) => [
        convolutionOf(`conv_${index}`, 5, outputs),
        groupNormOf(`norm_${index}`, groups),
        reluOf(`relu_${index}`),
        halvingOf(`pool_${index}`),
      ]),
      { kind: 'flatten', name: 'flat' },
      ...denseLayers([featuresOf(model), model.outputs]),
    ],
  }),
};

/** Values that reach the dense layer. */
function featuresOf({ height, width }: GnLenetSpec): number {
  return 64 * (height >> 3) * (width >> 3);
}
