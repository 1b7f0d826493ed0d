import * as z from 'zod';
import { accuracy, loss } from '../../metrics.ts';
import { exampleShapeOf, formOf, inputsOf, outputsOf } from '../../models/model-layout.ts';
import { count } from '../../models/parts/fields.ts';
import type { TaskKind } from '../task-kind.ts';

/** What becomes of an image of another shape; `crop` is first, as the one that loses no proportions. */
const fits = ['crop', 'pad', 'stretch'] as const;
export type Fit = (typeof fits)[number];

const className = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[^/\\\0]+$/, 'the name of a folder')
  .refine((name) => !name.startsWith('.'), 'the name of a folder that is not hidden');

const schema = z.strictObject({
  kind: z.literal('images').describe('PNG and JPEG files in a folder for each class; pixels divided by 255'),
  classes: z
    .array(className)
    .min(2)
    .max(1000)
    .refine((names) => new Set(names).size === names.length, 'each class once')
    .describe('names of the folders, in the order of the classes; a node may lack some'),
  height: count(1, 1024).describe('pixels; files of any size are scaled to it'),
  width: count(1, 1024).describe('pixels'),
  channels: z.literal([1, 3]).default(3).describe('1 for grey (luminance), 3 for colour'),
  fit: z
    .enum(fits)
    .default('crop')
    .describe(
      'what becomes of an image of another shape: its middle is cut out, a black border is added, or it is stretched',
    ),
  heldOutEvery: count(2, 1000)
    .default(5)
    .describe(
      'every n-th image of a class is held out, where there is no folder `test`, `val` or `validation`',
    ),
});
export type ImagesTask = z.infer<typeof schema>;

/** `open` reads a folder with a folder for each class, or with `train` and one of `heldOutFolders` that have them. */
export const images: TaskKind<typeof schema> = {
  kind: 'images',
  schema,
  examples: [
    {
      kind: 'images',
      classes: ['cat', 'dog', 'bird'],
      height: 16,
      width: 16,
      channels: 3,
      fit: 'crop',
      heldOutEvery: 5,
    },
  ],
  files:
    'a folder with a folder of PNG or JPEG files for each class; every n-th is held out, or all in test beside train',
  feeds: ['features', 'pixels'],
  metrics: [accuracy, loss],
  counted: 'examples',
  impossible: ({ classes, height, width, channels }, model) => {
    const shape = [height, width, channels];
    if (formOf(model) === 'pixels' && exampleShapeOf(model).join() !== shape.join()) {
      return { path: ['model'], message: `must take images of ${shape.join(' x ')}, as the task has them` };
    }
    if (inputsOf(model) !== height * width * channels) {
      return { path: ['model', 'inputs'], message: `must be ${shape.join(' * ')}, the values of an image` };
    }
    if (outputsOf(model) === classes.length) return null;
    return { path: ['model', 'outputs'], message: `must be the number of classes (${classes.length})` };
  },
  open: async (task, model, path) => {
    const { readImages } = await import('./images-folder.ts');
    return readImages(task, model, path);
  },
  writeShares: async (task, request) => {
    const { splitImages } = await import('./split-images.ts');
    return splitImages(task, request);
  },
  recognise: async (path) => {
    const { guessImagesTask } = await import('./inspect-images.ts');
    return guessImagesTask(path);
  },
  inspect: async (task, path) => {
    const { inspectImages } = await import('./inspect-images.ts');
    return inspectImages(task, path);
  },
  exampleSize: ({ height, width, channels, classes }) => ({
    shape: [height, width, channels],
    outputs: classes.length,
  }),
  scaling: () => ({ mean: 0, scale: 255 }),
  names: ({ classes }) => ({ features: null, classes }),
  readRows: async (task, file) => {
    const { readImageRows } = await import('./images-folder.ts');
    return readImageRows(task, file);
  },
};
