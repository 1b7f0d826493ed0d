/** A folder of IDX images with their labels, to learn from and held out. */
import { rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { linkOrCopy } from '../../../platform/node/link-or-copy.ts';
import { makeDirectory } from '../../../platform/node/make-directory.ts';
import { DataFileError } from '../../datasets/data-error.ts';
import { checkFits, type TaskData } from '../../datasets/dataset.ts';
import { dirichletPartition } from '../../datasets/dirichlet-partition.ts';
import { LabelledRows } from '../../datasets/labelled-rows.ts';
import type { ModelSpec } from '../../models/registry.ts';
import { countClasses } from '../data-report.ts';
import type { SharesRequest } from '../task-kind.ts';
import { type IdxImages, readIdxImages, readIdxLabels, writeIdxImages, writeIdxLabels } from './idx-file.ts';
import { packedOrNot } from './packed-file.ts';

/** `t10k` is MNIST's name for the held-out set. */
export const idxFiles = {
  trainImages: 'train-images-idx3-ubyte',
  trainLabels: 'train-labels-idx1-ubyte',
  heldOutImages: 't10k-images-idx3-ubyte',
  heldOutLabels: 't10k-labels-idx1-ubyte',
} as const;

/** @throws DataFileError, DataShapeError */
export async function readIdxFolder(model: ModelSpec, folder: string): Promise<TaskData<LabelledRows>> {
  return {
    train: await readRows(model, folder, idxFiles.trainImages, idxFiles.trainLabels),
    heldOut: await readRows(model, folder, idxFiles.heldOutImages, idxFiles.heldOutLabels),
  };
}

async function readRows(
  model: ModelSpec,
  folder: string,
  imagesFile: string,
  labelsFile: string,
): Promise<LabelledRows> {
  const { images, labels } = await readPair(folder, imagesFile, labelsFile);
  const rows = new LabelledRows({
    features: images.rows * images.columns,
    inputs: images.pixels,
    scale: 1 / 255,
    labels,
  });
  checkFits(rows, model, join(folder, imagesFile));
  return rows;
}

/** Images with a label each. @throws DataFileError */
export async function readPair(
  folder: string,
  imagesFile: string,
  labelsFile: string,
): Promise<{ images: IdxImages; labels: Uint8Array }> {
  const images = await readIdxImages(join(folder, imagesFile));
  const labels = await readIdxLabels(join(folder, labelsFile));
  if (labels.length !== images.count) {
    throw new DataFileError(
      `${join(folder, labelsFile)}: expected ${images.count} labels, one per image, found ${labels.length}`,
    );
  }
  return { images, labels };
}

/** By label. @throws DataFileError, DataShapeError */
export async function splitIdxFolder({
  source,
  targets,
  classes,
  alpha,
  rng,
}: SharesRequest): Promise<string> {
  const labels = await readIdxLabels(join(source, idxFiles.trainLabels));
  const shares = dirichletPartition(labels, {
    peers: targets.length,
    alpha,
    classes: classes ?? countClasses(labels).length,
    rng,
  });
  await writeIdxShares({ source, targets, shares });
  const counts = shares.map((share) => share.length).join(', ');
  return `images split by label over ${targets.length} nodes (Dirichlet ${alpha}): ${counts} examples`;
}

export interface IdxShares {
  /** Folder with the four IDX files. */
  readonly source: string;
  /** One folder per share, created where missing. */
  readonly targets: readonly string[];
  /** Example numbers of each target, as `dirichletPartition` returns them. */
  readonly shares: readonly Uint32Array[];
}

/**
 * Writes each share as a data folder of its own, so that a node only ever sees its own examples: the `train`
 * files hold the share, the held-out files are hard links to the source (copies across file systems).
 */
export async function writeIdxShares({ source, targets, shares }: IdxShares): Promise<void> {
  if (targets.length !== shares.length) {
    throw new RangeError(`${shares.length} shares need as many folders, not ${targets.length}`);
  }
  if (targets.some((target) => resolve(target) === resolve(source))) {
    throw new RangeError(`${source} cannot be its own share: its files would be overwritten`);
  }
  const { images, labels } = await readPair(source, idxFiles.trainImages, idxFiles.trainLabels);
  const imageBytes = images.rows * images.columns;
  for (const [peer, target] of targets.entries()) {
    const share = shares[peer]!;
    const pixels = new Uint8Array(share.length * imageBytes);
    share.forEach((index, row) => {
      pixels.set(images.pixels.subarray(index * imageBytes, (index + 1) * imageBytes), row * imageBytes);
    });
    makeDirectory(target);
    await writeIdxImages(join(target, idxFiles.trainImages), { ...images, count: share.length, pixels });
    await writeIdxLabels(
      join(target, idxFiles.trainLabels),
      Uint8Array.from(share, (index) => labels[index]!),
    );
    for (const name of [idxFiles.heldOutImages, idxFiles.heldOutLabels]) {
      const from = await packedOrNot(join(source, name));
      // One of an earlier split would be read in place of a packed one.
      await rm(join(target, name), { force: true });
      await linkOrCopy(from, join(target, basename(from)));
    }
  }
}
