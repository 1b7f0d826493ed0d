/** Non-IID splits of one labelled set over peers, in memory and as folders of IDX files. */
import { constants, copyFile, link, rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Rng } from '../../math/rng.ts';
import { makeDirectory } from '../../platform/node/make-directory.ts';
import { DataFileError, DataShapeError } from './data-error.ts';
import { type Dataset, IDX_FILES, subset, textDataset } from './dataset.ts';
import { readIdxImages, readIdxLabels, writeIdxImages, writeIdxLabels } from './idx.ts';
import { packedOrNot } from './packed-file.ts';

export interface DirichletOptions {
  readonly peers: number;
  /** Concentration, > 0: 0.1 gives peers one or two classes, 100 is close to an even split. */
  readonly alpha: number;
  readonly classes: number;
  readonly rng: Rng;
  /** Least examples of every peer (default 10, as in the literature). */
  readonly examplesMin?: number;
}

/** More redraws than this mean that the wish cannot be met (guess; 32 peers at alpha 0.1 on MNIST need a few). */
export const partitionDrawsMax = 1000;

/**
 * Splits the examples over `peers`: per class the proportions are drawn from Dirichlet(alpha) (Hsu, Qi, Brown:
 * "Measuring the Effects of Non-Identical Data Distribution", 2019), all anew until every peer has
 * `examplesMin`. Returns per peer its example numbers, ascending; together they are all examples, each once.
 * @throws DataShapeError where no such split was found.
 */
export function dirichletPartition(labels: ArrayLike<number>, options: DirichletOptions): Uint32Array[] {
  const { peers, alpha, classes, rng, examplesMin = 10 } = options;
  if (!(Number.isInteger(peers) && peers >= 1 && alpha > 0)) {
    throw new RangeError(
      `a split needs at least one peer and alpha above 0, not ${peers} peers and alpha ${alpha}`,
    );
  }
  if (labels.length < peers * examplesMin) {
    throw new DataShapeError(
      `${labels.length} examples cannot give ${peers} peers ${examplesMin} each: use fewer peers or more data`,
    );
  }
  const byClass = examplesByClass(labels, classes);
  for (let draw = 0; draw < partitionDrawsMax; draw++) {
    const shares = drawShares(byClass, peers, alpha, rng);
    if (shares.every((share) => share.length >= examplesMin)) {
      return shares.map((share) => Uint32Array.from(share).sort());
    }
  }
  throw new DataShapeError(
    `no split of ${labels.length} examples over ${peers} peers with alpha ${alpha} gave everyone ${examplesMin} ` +
      `in ${partitionDrawsMax} draws: raise alpha or use fewer peers`,
  );
}

/**
 * One training set per peer: rows by `dirichletPartition`, a text in contiguous parts of equal length, so that each
 * peer has chapters of its own. @throws DataShapeError where the data does not go round.
 */
export function splitAmong(train: Dataset, options: DirichletOptions): Dataset[] {
  if (train.kind === 'rows') {
    return dirichletPartition(train.labels, options).map((indices) => subset(train, indices));
  }
  const { bytes, context } = train;
  const cut = (peer: number) => Math.round((peer * bytes.length) / options.peers);
  return Array.from({ length: options.peers }, (_, peer) =>
    textDataset(bytes.subarray(cut(peer), cut(peer + 1)), context, `the part of peer ${peer}`),
  );
}

function examplesByClass(labels: ArrayLike<number>, classes: number): number[][] {
  const byClass: number[][] = Array.from({ length: classes }, () => []);
  for (let index = 0; index < labels.length; index++) {
    const members = byClass[labels[index]!];
    if (members === undefined) {
      throw new DataShapeError(
        `example ${index} has the label ${labels[index]}, expected 0 to ${classes - 1}`,
      );
    }
    members.push(index);
  }
  return byClass;
}

function drawShares(byClass: readonly number[][], peers: number, alpha: number, rng: Rng): number[][] {
  const shares: number[][] = Array.from({ length: peers }, () => []);
  for (const members of byClass) {
    const shuffled = members.slice();
    rng.shuffle(shuffled);
    const proportions = rng.dirichlet(alpha, peers);
    let cumulative = 0;
    let from = 0;
    shares.forEach((share, peer) => {
      cumulative += proportions[peer]!;
      // The last peer takes the rest: proportions sum to 1 only up to rounding.
      const to =
        peer === peers - 1
          ? shuffled.length
          : Math.min(shuffled.length, Math.floor(cumulative * shuffled.length));
      for (let index = from; index < to; index++) {
        share.push(shuffled[index]!);
      }
      from = Math.max(from, to);
    });
  }
  return shares;
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
  const images = await readIdxImages(join(source, IDX_FILES.trainImages));
  const labels = await readIdxLabels(join(source, IDX_FILES.trainLabels));
  if (labels.length !== images.count) {
    throw new DataFileError(
      `${source}: expected as many labels as images, found ${labels.length} and ${images.count}`,
    );
  }
  const imageBytes = images.rows * images.columns;
  for (const [peer, target] of targets.entries()) {
    const share = shares[peer]!;
    const pixels = new Uint8Array(share.length * imageBytes);
    share.forEach((index, row) => {
      pixels.set(images.pixels.subarray(index * imageBytes, (index + 1) * imageBytes), row * imageBytes);
    });
    makeDirectory(target);
    await writeIdxImages(join(target, IDX_FILES.trainImages), { ...images, count: share.length, pixels });
    await writeIdxLabels(
      join(target, IDX_FILES.trainLabels),
      Uint8Array.from(share, (index) => labels[index]!),
    );
    for (const name of [IDX_FILES.heldOutImages, IDX_FILES.heldOutLabels]) {
      const from = await packedOrNot(join(source, name));
      // One of an earlier split would be read in place of a packed one.
      await rm(join(target, name), { force: true });
      await linkOrCopy(from, join(target, basename(from)));
    }
  }
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  await rm(to, { force: true });
  try {
    await link(from, to);
  } catch {
    // Another file system, or one without hard links.
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  }
}
