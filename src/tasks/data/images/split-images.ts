/** A folder of images divided among nodes: each gets links to files of its own, in folders of their classes. */
import { basename, join } from 'node:path';
import { linkOrCopy } from '../../../platform/node/link-or-copy.ts';
import { makeDirectory } from '../../../platform/node/make-directory.ts';
import { dirichletPartition } from '../../datasets/dirichlet-partition.ts';
import type { SharesRequest } from '../task-kind.ts';
import type { ImagesTask } from './images.ts';
import { type ImageFile, imageFilesOf } from './images-folder.ts';

/** By label; a folder that is held out goes to everybody, else of each share every n-th image is. @throws DataFileError, DataShapeError */
export async function splitImages(task: ImagesTask, request: SharesRequest): Promise<string> {
  const { source, targets, alpha, rng } = request;
  const { train, heldOut, heldOutFolder } = await imageFilesOf(task, source);
  const divided = heldOutFolder === null ? [...train, ...heldOut].sort(byFile) : train;
  const shares = dirichletPartition(
    divided.map(({ label }) => label),
    { peers: targets.length, alpha, classes: task.classes.length, rng },
  );
  for (const [peer, target] of targets.entries()) {
    const own = Array.from(shares[peer]!, (index) => divided[index]!);
    if (heldOutFolder === null) {
      await place(task, own, target);
    } else {
      await place(task, own, join(target, 'train'));
      await place(task, heldOut, join(target, heldOutFolder));
    }
  }
  const counts = shares.map((share) => share.length).join(', ');
  return `images split by label over ${targets.length} nodes (Dirichlet ${alpha}): ${counts} examples`;
}

async function place({ classes }: ImagesTask, files: readonly ImageFile[], folder: string): Promise<void> {
  makeDirectory(folder);
  for (const { file, label } of files) {
    const own = join(folder, classes[label]!);
    makeDirectory(own);
    await linkOrCopy(file, join(own, basename(file)));
  }
}

function byFile(a: ImageFile, b: ImageFile): number {
  return a.label - b.label || (a.file < b.file ? -1 : 1);
}
