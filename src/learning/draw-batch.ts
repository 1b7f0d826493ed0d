import { rngFor } from '../math/rng.ts';
import type { Batch, Dataset } from '../tasks/datasets/dataset.ts';

/**
 * `rows` examples drawn uniformly with replacement, so that a share smaller than a batch needs no special case.
 * `streamKey` names the random stream: the same key and data give the same batch. `room` as of `Dataset.batchOf`.
 */
export function drawBatch(
  share: Pick<Dataset, 'examples' | 'batchOf'>,
  rows: number,
  streamKey: string,
  room?: Batch,
): Batch {
  const rng = rngFor(streamKey);
  return share.batchOf(
    Array.from({ length: rows }, () => rng.int(share.examples)),
    room,
  );
}
