import * as z from 'zod';
import { accuracy, loss } from '../../metrics.ts';
import { exampleShapeOf, formOf, inputsOf } from '../../models/model-layout.ts';
import type { TaskKind } from '../task-kind.ts';

const schema = z.strictObject({
  kind: z
    .literal('cifar-images')
    .describe('the binary files of CIFAR-10, 32 x 32 colour pixels divided by 255'),
});

/** `open` reads a folder with the six files of CIFAR-10. */
export const cifarImages: TaskKind<typeof schema> = {
  kind: 'cifar-images',
  schema,
  examples: [{ kind: 'cifar-images' }],
  files:
    'a folder with the six files data_batch_1.bin to data_batch_5.bin (to learn from) and test_batch.bin (held out)',
  feeds: ['features', 'pixels'],
  metrics: [accuracy, loss],
  counted: 'examples',
  impossible: (_, model) => {
    const isColoured = formOf(model) !== 'pixels' || exampleShapeOf(model)[2] === 3;
    if (isColoured && inputsOf(model) === 3072) return null;
    return { path: ['model'], message: 'must take 32 x 32 pixels of 3 channels (3072 values)' };
  },
  open: async (_, model, path) => {
    const { readCifarImages } = await import('./read-cifar-images.ts');
    return readCifarImages(model, path);
  },
  writeShares: async (_, request) => {
    const { splitCifarFolder } = await import('./cifar-folder.ts');
    return splitCifarFolder(request);
  },
  recognise: async (path) => {
    const { isCifarFolder } = await import('./cifar-folder.ts');
    return (await isCifarFolder(path)) ? { kind: 'cifar-images' } : null;
  },
  inspect: async (_, path) => {
    const { inspectCifarFolder } = await import('./cifar-folder.ts');
    return inspectCifarFolder(path);
  },
  exampleSize: () => ({ shape: [32, 32, 3], outputs: 10 }),
  scaling: () => ({ mean: 0, scale: 255 }),
};
