/** Examples as a network takes them. */

import { rngFor } from '../math/rng.ts';
import type { Dataset, RowDataset, TextDataset } from '../tasks/data/dataset.ts';

export interface Batch {
  readonly rows: number;
  /** Row-major; scaled numbers, or of a text the bytes. */
  readonly inputs: Float32Array | Int32Array;
  /** The right class of each row of logits: one an example, of a text one a byte. */
  readonly labels: Int32Array;
}

/**
 * `rows` examples drawn uniformly with replacement, so that a share smaller than a batch needs no special case.
 * `streamKey` names the random stream: the same key and data give the same batch.
 */
export function drawBatch(share: Dataset, rows: number, streamKey: string): Batch {
  const rng = rngFor(streamKey);
  return batchOf(
    share,
    Array.from({ length: rows }, () => rng.int(share.examples)),
  );
}

/** The examples with these numbers, in this order. */
export function batchOf(dataset: Dataset, examples: ArrayLike<number>): Batch {
  return dataset.kind === 'rows' ? rowBatch(dataset, examples) : textBatch(dataset, examples);
}

function rowBatch(dataset: RowDataset, examples: ArrayLike<number>): Batch {
  const rows = examples.length;
  const { features } = dataset;
  const inputs = new Float32Array(rows * features);
  const labels = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    scaledRow(dataset, examples[row]!, inputs.subarray(row * features, (row + 1) * features));
    labels[row] = dataset.labels[examples[row]!]!;
  }
  return { rows, inputs, labels };
}

/** Writes example `row` of `dataset` into `into` (length `features`) as the model sees it. */
export function scaledRow(dataset: RowDataset, row: number, into: Float32Array): void {
  const { features, inputs, scale } = dataset;
  const from = row * features;
  for (let feature = 0; feature < features; feature++) {
    into[feature] = inputs[from + feature]! * scale;
  }
}

function textBatch({ bytes, context }: TextDataset, examples: ArrayLike<number>): Batch {
  const rows = examples.length;
  const inputs = new Int32Array(rows * context);
  const labels = new Int32Array(rows * context);
  for (let row = 0; row < rows; row++) {
    const from = examples[row]!;
    inputs.set(bytes.subarray(from, from + context), row * context);
    labels.set(bytes.subarray(from + 1, from + 1 + context), row * context);
  }
  return { rows, inputs, labels };
}
