/** Folders of images: which files are of which class, and their pixels as examples. */
import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { DataFileError, DataShapeError } from '../../datasets/data-error.ts';
import { checkFits, type TaskData } from '../../datasets/dataset.ts';
import { LabelledRows } from '../../datasets/labelled-rows.ts';
import type { ModelSpec } from '../../models/registry.ts';
import type { RawRows } from '../task-kind.ts';
import { fitImage } from './fit-image.ts';
import { imageExtensions, readImage } from './image-file.ts';
import type { ImagesTask } from './images.ts';

const trainFolder = 'train';
export const heldOutFolders: readonly string[] = ['test', 'val', 'validation'];

/** Of all images together, as they are held in memory. */
const pixelBytesMax = 2 ** 31;

export interface ImageFile {
  readonly file: string;
  readonly label: number;
}

export interface ImageFiles {
  readonly train: readonly ImageFile[];
  readonly heldOut: readonly ImageFile[];
  /** Name of the folder that is held out whole; null where every n-th image of each class is. */
  readonly heldOutFolder: string | null;
}

/** @throws DataFileError, DataShapeError */
export async function readImages(
  task: ImagesTask,
  model: ModelSpec,
  folder: string,
): Promise<TaskData<LabelledRows>> {
  const { train, heldOut } = await imageFilesOf(task, folder);
  const data = { train: await readRows(task, train), heldOut: await readRows(task, heldOut) };
  checkFits(data.train, model, folder);
  checkFits(data.heldOut, model, folder);
  return data;
}

/** An image, or all of a folder in the order of their names. @throws DataFileError */
export async function readImageRows(task: ImagesTask, path: string): Promise<RawRows> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new DataFileError(
      `${path}: expected an image or a folder of them, but it cannot be opened (${error.code})`,
    );
  });
  const files = found.isDirectory() ? await imagesIn(path) : [path];
  if (files.length === 0) throw new DataFileError(`${path}: expected .png or .jpg files, found none`);
  const { inputs, exampleLength } = await readRows(
    task,
    files.map((file) => ({ file, label: 0 })),
  );
  return { values: inputs, columns: exampleLength };
}

async function readRows(task: ImagesTask, files: readonly ImageFile[]): Promise<LabelledRows> {
  const { height, width, channels, fit } = task;
  const features = height * width * channels;
  if (files.length * features > pixelBytesMax) {
    throw new DataShapeError(
      `${files.length} images of ${height} x ${width} x ${channels} are more than ${pixelBytesMax} bytes: ` +
        'take fewer, or smaller ones in the run',
    );
  }
  const inputs = new Uint8Array(files.length * features);
  for (const [row, { file }] of files.entries()) {
    inputs.set(fitImage(await readImage(file), { height, width, channels }, fit), row * features);
  }
  const labels = Int32Array.from(files, ({ label }) => label);
  return new LabelledRows({ features, inputs, scale: 1 / 255, labels });
}

/** Which images there are; their pixels are not looked at. @throws DataFileError, DataShapeError */
export async function imageFilesOf(task: ImagesTask, folder: string): Promise<ImageFiles> {
  const names = await foldersIn(folder);
  const heldOutFolder = heldOutFolders.find((name) => names.includes(name)) ?? null;
  const isDivided = names.includes(trainFolder) && !task.classes.includes(trainFolder);
  if (!isDivided) return everyNth(task, await classesIn(task, folder, names));
  const learned = await classesIn(task, join(folder, trainFolder));
  if (heldOutFolder === null) return everyNth(task, learned);
  const heldOut = (await classesIn(task, join(folder, heldOutFolder))).flat();
  return { train: notEmpty(learned.flat(), folder), heldOut: notEmpty(heldOut, folder), heldOutFolder };
}

function everyNth({ heldOutEvery }: ImagesTask, classes: readonly (readonly ImageFile[])[]): ImageFiles {
  const isHeldOut = (index: number): boolean => (index + 1) % heldOutEvery === 0;
  const heldOut = classes.flatMap((files) => files.filter((_, index) => isHeldOut(index)));
  const train = classes.flatMap((files) => files.filter((_, index) => !isHeldOut(index)));
  if (heldOut.length === 0) {
    throw new DataShapeError(
      `no class has ${heldOutEvery} images, so that none would be held out: add images or lower task.heldOutEvery`,
    );
  }
  return { train, heldOut, heldOutFolder: null };
}

function notEmpty(files: readonly ImageFile[], folder: string): readonly ImageFile[] {
  if (files.length > 0) return files;
  throw new DataFileError(
    `${folder}: expected images to learn from and images held out, found none of one of them`,
  );
}

/** Of each class of the task its images in the order of their names. @throws DataFileError */
async function classesIn(
  task: ImagesTask,
  folder: string,
  names?: readonly string[],
): Promise<ImageFile[][]> {
  const folders = names ?? (await foldersIn(folder));
  const unknown = folders.find((name) => !task.classes.includes(name));
  if (unknown !== undefined) {
    throw new DataFileError(
      `${join(folder, unknown)}: '${unknown}' is none of the classes of the run (${inShort(task.classes)}): rename the folder or take it out`,
    );
  }
  return Promise.all(
    task.classes.map(async (name, label) => {
      if (!folders.includes(name)) return [];
      const files = await imagesIn(join(folder, name));
      return files.map((file) => ({ file, label }));
    }),
  );
}

function inShort(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 8).join(', ')} and ${names.length - 8} more` : names.join(', ');
}

export async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    throw new DataFileError(
      `${folder}: expected a folder with a folder of images for each class, but it cannot be opened (${error.code})`,
    );
  });
  const names = entries
    .filter((entry) => !entry.isFile() && !entry.name.startsWith('.'))
    .map(({ name }) => name);
  // A link may lead to a folder or to none.
  const areFolders = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        (found) => found.isDirectory(),
        () => false,
      ),
    ),
  );
  return names.filter((_, index) => areFolders[index]).sort();
}

export async function imagesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names
    .filter(
      (name) => imageExtensions.includes(extname(name).toLowerCase()) && !basename(name).startsWith('.'),
    )
    .sort()
    .map((name) => join(folder, name));
}
