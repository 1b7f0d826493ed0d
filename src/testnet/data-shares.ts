/** Gives every node of a testnet its own examples, in a folder that no other node reads. */
import { join } from 'node:path';
import { IDX_FILES, mnistFolder } from '../data/dataset.ts';
import { readIdxLabels } from '../data/idx.ts';
import { dirichletPartition, writeIdxShares } from '../data/partition.ts';
import { rngFor } from '../math/rng.ts';
import type { RunSpec } from '../protocol/run-spec.ts';
import { TestnetError } from './testnet-error.ts';

export interface SharesOptions {
  readonly spec: RunSpec;
  /** One folder per node. */
  readonly targets: readonly string[];
  /** Concentration of the Dirichlet split: the smaller, the more the nodes' labels differ. */
  readonly alpha: number;
  /** Folder of IDX files to split; the MNIST package where null. */
  readonly source: string | null;
}

/** Splits images by label (Dirichlet, seeded by the run) and returns the number of examples per node. */
export async function splitImages({
  spec,
  targets,
  alpha,
  source,
}: SharesOptions): Promise<readonly number[]> {
  if (spec.task.kind !== 'idx-images') {
    throw new TestnetError(
      'NO_DATA',
      `the run ${spec.name} trains on CSV rows, which a testnet does not split: give one --data file per node`,
    );
  }
  const folder = source ?? mnistFolder();
  const labels = await readIdxLabels(join(folder, IDX_FILES.trainLabels));
  const shares = dirichletPartition(labels, {
    peers: targets.length,
    alpha,
    classes: spec.model.outputs,
    rng: rngFor(`testnet/split/${spec.seed}`),
  });
  await writeIdxShares({ source: folder, targets, shares });
  return shares.map((share) => share.length);
}
