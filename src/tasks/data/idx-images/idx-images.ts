import * as z from 'zod';
import { accuracy, loss } from '../../metrics.ts';
import { exampleShapeOf, formOf } from '../../models/model-layout.ts';
import { classesOf } from '../data-report.ts';
import type { TaskKind } from '../task-kind.ts';

const schema = z.strictObject({
  kind: z.literal('idx-images').describe('IDX files as of MNIST; pixels divided by 255'),
});

/** `open` reads a folder with the four `idxFiles`. */
export const idxImages: TaskKind<typeof schema> = {
  kind: 'idx-images',
  schema,
  examples: [{ kind: 'idx-images' }],
  files:
    "a folder with MNIST's four files, packed (.gz) or not: train-images-idx3-ubyte and train-labels-idx1-ubyte to learn from, " +
    't10k-images-idx3-ubyte and t10k-labels-idx1-ubyte held out',
  feeds: ['features', 'pixels'],
  metrics: [accuracy, loss],
  counted: 'examples',
  impossible: (_, model) => {
    const isGrey = formOf(model) !== 'pixels' || exampleShapeOf(model)[2] === 1;
    return isGrey ? null : { path: ['model', 'channels'], message: 'must be 1: IDX images are grey' };
  },
  open: async (_, model, path) => {
    const { readIdxFolder } = await import('./idx-folder.ts');
    return readIdxFolder(model, path);
  },
  bundledData: async () => {
    const { mnistFolder } = await import('./mnist-folder.ts');
    return mnistFolder();
  },
  writeShares: async (_, request) => {
    const { splitIdxFolder } = await import('./idx-folder.ts');
    return splitIdxFolder(request);
  },
  recognise: async (path) => {
    const { isIdxFolder } = await import('./inspect-idx.ts');
    return (await isIdxFolder(path)) ? { kind: 'idx-images' } : null;
  },
  inspect: async (_, path) => {
    const { inspectIdxFolder } = await import('./inspect-idx.ts');
    return inspectIdxFolder(path);
  },
  exampleSize: (_, { columns, parts }) => {
    const side = Math.sqrt(columns ?? 0);
    return { shape: Number.isInteger(side) ? [side, side, 1] : [columns ?? 0], outputs: classesOf(parts) };
  },
  scaling: () => ({ mean: 0, scale: 255 }),
  readRows: async (_, file) => {
    const { readIdxImages } = await import('./idx-file.ts');
    const { rows, columns, pixels } = await readIdxImages(file.replace(/\.gz$/, ''));
    return { values: pixels, columns: rows * columns };
  },
};
