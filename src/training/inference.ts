/** A parameter vector applied to examples: metrics of a held-out set, and predictions for single rows. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { DataShapeError } from '../data/data-error.ts';
import { checkFits, type Dataset } from '../data/dataset.ts';
import type { ModelSpec } from '../protocol/run-spec.ts';
import { MeanCrossEntropy } from './cross-entropy.ts';
import { DenseNetwork } from './dense-network.ts';
import type { Metrics } from './learner.ts';
import { ensureBackend } from './tfjs-backend.ts';

/** Rows per forward pass: bounds memory (3 MB of MNIST), larger ones were not faster. */
const ROWS_PER_PASS = 1000;

export interface Prediction {
  /** Row-major rows x outputs; each row sums to 1. */
  readonly probabilities: Float32Array;
  /** Most probable class of each row; the lower one of equals. */
  readonly classes: Int32Array;
}

/**
 * Accuracy and loss of `vector` on `dataset`. Runs on the thread's backend, WebAssembly if none was started;
 * lets other work run between passes. @throws RangeError, DataShapeError; `signal.reason` when aborted.
 */
export async function evaluateModel(
  model: ModelSpec,
  vector: Float32Array,
  dataset: Dataset,
  signal?: AbortSignal,
): Promise<Metrics> {
  checkFits(dataset, model, 'evaluation data');
  if (dataset.examples === 0) {
    throw new DataShapeError('there is no example to evaluate on');
  }
  const loss = new MeanCrossEntropy();
  let right = 0;
  const inputAt = (row: number, into: Float32Array): void => scaledRow(dataset, row, into);
  await forwardInPasses(model, vector, dataset.examples, inputAt, signal, (probabilities, row) => {
    const label = dataset.labels[row]!;
    loss.add(probabilities[label]!);
    right += mostProbable(probabilities) === label ? 1 : 0;
  });
  return {
    accuracy: right / dataset.examples,
    loss: loss.mean(),
    examples: dataset.examples,
  };
}

/**
 * Probabilities and classes of `inputs`, row-major rows x model inputs, already scaled as in training.
 * @throws DataShapeError where the length is no multiple of the model's inputs.
 */
export async function predict(
  model: ModelSpec,
  vector: Float32Array,
  inputs: Float32Array,
  signal?: AbortSignal,
): Promise<Prediction> {
  const rows = inputs.length / model.inputs;
  if (!Number.isInteger(rows)) {
    throw new DataShapeError(
      `the model takes ${model.inputs} values per row, ${inputs.length} values make no whole rows`,
    );
  }
  const result: Prediction = {
    probabilities: new Float32Array(rows * model.outputs),
    classes: new Int32Array(rows),
  };
  const inputAt = (row: number, into: Float32Array): void =>
    into.set(inputs.subarray(row * model.inputs, (row + 1) * model.inputs));
  await forwardInPasses(model, vector, rows, inputAt, signal, (probabilities, row) => {
    result.probabilities.set(probabilities, row * model.outputs);
    result.classes[row] = mostProbable(probabilities);
  });
  return result;
}

/** Writes example `row` of `dataset` into `into` (length `features`) as the model sees it. */
export function scaledRow(dataset: Dataset, row: number, into: Float32Array): void {
  const { features, inputs, scale } = dataset;
  const from = row * features;
  for (let feature = 0; feature < features; feature++) {
    into[feature] = inputs[from + feature]! * scale;
  }
}

async function forwardInPasses(
  model: ModelSpec,
  vector: Float32Array,
  rows: number,
  inputAt: (row: number, into: Float32Array) => void,
  signal: AbortSignal | undefined,
  take: (probabilities: Float32Array, row: number) => void,
): Promise<void> {
  await ensureBackend();
  const network = new DenseNetwork(model, vector);
  try {
    const { inputs, outputs } = model;
    for (let from = 0; from < rows; from += ROWS_PER_PASS) {
      signal?.throwIfAborted();
      const passRows = Math.min(ROWS_PER_PASS, rows - from);
      const batch = new Float32Array(passRows * inputs);
      for (let row = 0; row < passRows; row++) {
        inputAt(from + row, batch.subarray(row * inputs, (row + 1) * inputs));
      }
      const probabilities = network.probabilities(batch, passRows);
      for (let row = 0; row < passRows; row++) {
        take(probabilities.subarray(row * outputs, (row + 1) * outputs), from + row);
      }
      await nextTurn();
    }
  } finally {
    network.dispose();
  }
}

function mostProbable(probabilities: Float32Array): number {
  let best = 0;
  for (let index = 1; index < probabilities.length; index++) {
    if (probabilities[index]! > probabilities[best]!) {
      best = index;
    }
  }
  return best;
}
