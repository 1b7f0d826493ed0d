/** Hidden shards of arenas: held-out examples as models take them, each with its right class behind it. */
import { littleEndianBytes } from '../../../learning/initial.ts';
import { writeFileAtomically } from '../../../platform/node/atomic-file.ts';
import { type BlobId, blobIdOf } from '../../../platform/node/blob-file.ts';
import { createCrypto } from '../../../platform/node/crypto.ts';
import { loadTaskData } from '../../../tasks/data/registry.ts';
import { DataShapeError } from '../../../tasks/datasets/data-error.ts';
import { answersPerExample, inputsOf } from '../../../tasks/models/model-layout.ts';
import { findModel } from '../model/model-source.ts';
import { dataPathFor, taskOf } from '../model/model-task.ts';

export interface ShardPlan {
  readonly from: string;
  readonly data?: string | undefined;
  readonly part: number;
  readonly of: number;
  readonly examples: number;
  readonly out: string;
}

/** @throws ModelFileError, DataFileError, DataShapeError, ConfigError */
export async function writeShard(plan: ShardPlan): Promise<BlobId & { readonly examples: number }> {
  const found = await findModel(plan.from);
  const task = taskOf(found);
  const { heldOut } = await loadTaskData(task, found.model, await dataPathFor(task, plan.data));
  if (heldOut.objective.kind !== 'classification' || answersPerExample(found.model) !== 1)
    throw new DataShapeError('shards are of tasks with one class for each example');
  const rows: number[] = [];
  for (let row = plan.part; row < heldOut.examples && rows.length < plan.examples; row += plan.of)
    rows.push(row);
  const inputs = inputsOf(found.model);
  const vector = new Float32Array(rows.length * (inputs + 1));
  for (const [at, row] of rows.entries()) {
    const batch = heldOut.batchOf([row]);
    vector.set(batch.inputs, at * (inputs + 1));
    vector[at * (inputs + 1) + inputs] = batch.labels[0]!;
  }
  await writeFileAtomically(plan.out, [littleEndianBytes(vector)], 0o600);
  return { ...(await blobIdOf(plan.out, createCrypto())), examples: rows.length };
}
