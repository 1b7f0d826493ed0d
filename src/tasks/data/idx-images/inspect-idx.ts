import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { countClasses, type DataReport, orRefused, type PartReport, Refusals } from '../data-report.ts';
import { idxFiles, readPair } from './idx-folder.ts';
import { packedOrNot } from './packed-file.ts';

const pairs = [
  { name: 'train', images: idxFiles.trainImages, labels: idxFiles.trainLabels },
  { name: 'held out', images: idxFiles.heldOutImages, labels: idxFiles.heldOutLabels },
] as const;

/** Whether the folder has one of the four files, packed or not. */
export async function isIdxFolder(path: string): Promise<boolean> {
  const there = await Promise.all(
    Object.values(idxFiles).map(async (name) =>
      stat(await packedOrNot(join(path, name))).then(
        () => true,
        () => false,
      ),
    ),
  );
  return there.includes(true);
}

export async function inspectIdxFolder(folder: string): Promise<DataReport> {
  const refused = new Refusals();
  const parts: PartReport[] = [];
  const files: string[] = [];
  const sizes = new Set<number>();
  for (const { name, images: imagesFile, labels: labelsFile } of pairs) {
    const read = await orRefused(() => readPair(folder, imagesFile, labelsFile), refused);
    if (read === null) continue;
    const { images, labels } = read;
    for (const file of [imagesFile, labelsFile]) files.push(await packedOrNot(join(folder, file)));
    parts.push({ name, rows: images.count, classes: countClasses(labels) });
    sizes.add(images.rows * images.columns);
  }
  const [columns = null, other] = [...sizes];
  if (other !== undefined) {
    refused.add(
      'sizes',
      `${folder}: images to learn from have ${columns} pixels, those held out ${other}: they must be of one size`,
    );
  }
  return { files, parts, columns, refused: refused.list() };
}
