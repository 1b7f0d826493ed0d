/** Gives every node of a testnet its own examples, in a folder that no other node reads. */
import { rngFor } from '../math/rng.ts';
import type { RunSpec } from '../run/run-spec.ts';
import { taskKindOf } from '../tasks/data/registry.ts';
import { outputsOf } from '../tasks/models/model-layout.ts';
import { TestnetError } from './testnet-error.ts';

export interface SharesOptions {
  readonly spec: RunSpec;
  /** One folder per node. */
  readonly targets: readonly string[];
  /** Concentration of the Dirichlet split: the smaller, the more the nodes' labels differ. */
  readonly alpha: number;
  /** What to split; data that came with the program where null. */
  readonly source: string | null;
}

/** Paths that somebody typed, to be split or one for each node. */
export function namedData(given: {
  readonly dataPaths: readonly string[] | null;
  readonly splitPath: string | null;
}): readonly string[] {
  return given.dataPaths ?? (given.splitPath === null ? [] : [given.splitPath]);
}

/** Names the random stream of a split. */
export function splitStream(seed: number): string {
  return `testnet/split/${seed}`;
}

/**
 * Splits the data as its kind is split, seeded by the run. Returns what each node got, in words.
 * @throws TestnetError where the task's data cannot be split, or nobody says where it is
 */
export async function splitData({ spec, targets, alpha, source }: SharesOptions): Promise<string> {
  const { kind, writeShares, bundledData } = taskKindOf(spec.task);
  if (writeShares === undefined) {
    throw new TestnetError(
      'NO_DATA',
      `data of the kind ${kind} is not split by a testnet: give one path per node with --data`,
    );
  }
  const given = source ?? (await bundledData?.());
  if (given === undefined) {
    throw new TestnetError('NO_DATA', `a run on ${kind} needs data: name a file or a folder with --split`);
  }
  const rng = rngFor(splitStream(spec.seed));
  return writeShares(spec.task, { source: given, targets, alpha, classes: outputsOf(spec.model), rng });
}
