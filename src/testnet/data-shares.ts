/** Gives every node of a testnet its own examples, in a folder that no other node reads. */
import { join } from 'node:path';
import { rngFor } from '../math/rng.ts';
import { writeFileAtomically } from '../platform/node/atomic-file.ts';
import { makeDirectory } from '../platform/node/make-directory.ts';
import type { RunSpec } from '../run/run-spec.ts';
import { IDX_FILES, mnistFolder } from '../tasks/data/dataset.ts';
import { readIdxLabels } from '../tasks/data/idx.ts';
import { dirichletPartition, writeIdxShares } from '../tasks/data/partition.ts';
import { readTextFiles } from '../tasks/data/text-files.ts';
import { outputsOf } from '../tasks/models/model-layout.ts';
import { TestnetError } from './testnet-error.ts';

export interface SharesOptions {
  readonly spec: RunSpec;
  /** One folder per node. */
  readonly targets: readonly string[];
  /** Concentration of the Dirichlet split: the smaller, the more the nodes' labels differ. */
  readonly alpha: number;
  /** Folder of IDX files, or text, to split; the MNIST package where null. */
  readonly source: string | null;
}

/**
 * Splits images by label (Dirichlet, seeded by the run), text in contiguous parts. Returns what each node got, in
 * words. @throws TestnetError where the task's data cannot be split
 */
export async function splitData(options: SharesOptions): Promise<string> {
  switch (options.spec.task.kind) {
    case 'idx-images':
      return splitImages(options);
    case 'text':
      return splitText(options);
    default:
      throw new TestnetError(
        'NO_DATA',
        `data of the kind ${options.spec.task.kind} is not split by a testnet: give one path per node with --data`,
      );
  }
}

async function splitImages({ spec, targets, alpha, source }: SharesOptions): Promise<string> {
  const folder = source ?? mnistFolder();
  const labels = await readIdxLabels(join(folder, IDX_FILES.trainLabels));
  const shares = dirichletPartition(labels, {
    peers: targets.length,
    alpha,
    classes: outputsOf(spec.model),
    rng: rngFor(`testnet/split/${spec.seed}`),
  });
  await writeIdxShares({ source: folder, targets, shares });
  const counts = shares.map((share) => share.length).join(', ');
  return `images split by label over ${targets.length} nodes (Dirichlet ${alpha}): ${counts} examples`;
}

async function splitText({ targets, source }: SharesOptions): Promise<string> {
  if (source === null) {
    throw new TestnetError('NO_DATA', 'a run on text needs one: name a file or a folder with --split');
  }
  const text = Buffer.concat(await readTextFiles(source));
  const cut = (peer: number) => Math.round((peer * text.length) / targets.length);
  for (const [peer, target] of targets.entries()) {
    makeDirectory(target);
    await writeFileAtomically(join(target, 'part.txt'), [text.subarray(cut(peer), cut(peer + 1))]);
  }
  return `text of ${text.length} bytes split into ${targets.length} parts, one after the other`;
}
