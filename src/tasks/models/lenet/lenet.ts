import * as z from 'zod';
import type { ModelKind } from '../model-kind.ts';
import { convolutionOf, denseLayers, halvingOf } from '../parts/as-layers.ts';
import { imageFields } from '../parts/fields.ts';
import { imageStarter } from '../parts/image-starter.ts';

const schema = z.strictObject({
  kind: z.literal('lenet').describe('LeNet-5 with ReLU and max pooling (LeCun et al. 1998)'),
  ...imageFields,
});
export type LenetSpec = z.infer<typeof schema>;

export const lenet: ModelKind<typeof schema> = {
  kind: 'lenet',
  schema,
  examples: [{ kind: 'lenet', height: 16, width: 16, channels: 1, outputs: 4 }],
  takes: () => 'pixels',
  exampleShape: ({ height, width, channels }) => [height, width, channels],
  outputs: (model) => model.outputs,
  layout: (model, layout) => {
    layout.convolution('conv_0', 5, model.channels, 6);
    layout.convolution('conv_1', 5, 6, 16);
    layout.denseStack([featuresOf(model), 120, 84, model.outputs]);
  },
  starter: (size) => imageStarter('lenet', size),
  rowsPerPass: 50,
  loadForward: () => import('./lenet-forward.ts'),
  asLayers: (model) => ({
    kind: 'layers',
    input: [model.height, model.width, model.channels],
    layers: [
      convolutionOf('conv_0', 5, 6, { activation: 'relu' }),
      halvingOf('pool_0'),
      convolutionOf('conv_1', 5, 16, { padding: 'valid', activation: 'relu' }),
      halvingOf('pool_1'),
      { kind: 'flatten', name: 'flat' },
      ...denseLayers([featuresOf(model), 120, 84, model.outputs]),
    ],
  }),
};

/** Values that reach the first dense layer: the first convolution keeps the size, the second takes 4 off. */
function featuresOf({ height, width }: LenetSpec): number {
  const side = (length: number) => ((length >> 1) - 4) >> 1;
  return 16 * side(height) * side(width);
}
