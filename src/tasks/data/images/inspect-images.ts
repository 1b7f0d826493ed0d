/** What a folder of images holds, and the task that it could be data of. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { countClasses, type DataReport, orRefused, type PartReport, Refusals } from '../data-report.ts';
import { readImage } from './image-file.ts';
import type { ImagesTask } from './images.ts';
import { foldersIn, heldOutFolders, type ImageFile, imageFilesOf, imagesIn } from './images-folder.ts';

/** A guess never makes images larger than this: what most small models are tried with first. */
const guessedSideMax = 32;

/** Null for what is no folder of folders with images in them. */
export async function guessImagesTask(path: string): Promise<ImagesTask | null> {
  if (!(await stat(path)).isDirectory()) return null;
  const names = await foldersIn(path);
  const root = names.includes('train') ? join(path, 'train') : path;
  const candidates = (await foldersIn(root)).filter((name) => !heldOutFolders.includes(name));
  const classes: string[] = [];
  let first: string | undefined;
  for (const name of candidates) {
    const [image] = await imagesIn(join(root, name));
    if (image === undefined) continue;
    classes.push(name);
    first ??= image;
  }
  if (first === undefined || classes.length < 2) return null;
  const { width, height, channels } = await readImage(first);
  const side = (length: number): number => Math.min(length, guessedSideMax);
  return {
    ...{ kind: 'images', classes, height: side(height), width: side(width), channels },
    ...{ fit: 'crop', heldOutEvery: 5 },
  };
}

/** Every image is decoded: one that cannot be would end a node. */
export async function inspectImages(task: ImagesTask, path: string): Promise<DataReport> {
  const refused = new Refusals();
  const columns = task.height * task.width * task.channels;
  const found = await orRefused(() => imageFilesOf(task, path), refused);
  if (found === null) return { files: [path], parts: [], columns, refused: refused.list() };
  const { train, heldOut } = found;
  for (const { file } of [...train, ...heldOut]) await orRefused(() => readImage(file), refused, 'image');
  const parts = [partOf('train', train, task), partOf('held out', heldOut, task)];
  return { files: [path], parts, columns, refused: refused.list() };
}

function partOf(name: PartReport['name'], files: readonly ImageFile[], { classes }: ImagesTask): PartReport {
  const counts = countClasses(files.map(({ label }) => label));
  return { name, rows: files.length, classes: classes.map((_, label) => counts[label] ?? 0) };
}
