/** A parameter vector applied to examples: metrics of a held-out set, and predictions for single rows. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ModelSpec } from '../../run/run-spec.ts';
import { DataShapeError } from '../../tasks/data/data-error.ts';
import { checkFits, type Dataset } from '../../tasks/data/dataset.ts';
import { inputsOf, outputsOf } from '../../tasks/models/model-layout.ts';
import { ensureBackend } from '../../tensor/tfjs-backend.ts';
import { batchOf } from '../batch.ts';
import type { Metrics } from '../learner.ts';
import { Network } from './network.ts';

/** Windows of a held-out text that are measured, spread evenly over it: a GPT takes milliseconds for each. */
export const textWindowsMax = 256;

/** Examples per forward pass: bounds memory, and larger ones were not faster. */
function rowsPerPass(model: ModelSpec): number {
  switch (model.kind) {
    case 'mlp':
    case 'logistic-regression':
      return 1000;
    case 'gpt':
      return 8;
    default:
      return 50;
  }
}

export interface Prediction {
  /** Row-major rows x outputs; each row sums to 1. */
  readonly probabilities: Float32Array;
  /** Most probable class of each row; the lower one of equals. */
  readonly classes: Int32Array;
}

/**
 * Accuracy and loss of `vector` on `dataset`; of a text per byte, over at most `textWindowsMax` windows. Runs on the
 * thread's backend, WebAssembly if none was started; lets other work run between passes.
 * @throws RangeError, DataShapeError; `signal.reason` when aborted.
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
  const examples = heldOutExamples(dataset);
  let [lossSum, right, count] = [0, 0, 0];
  await inPasses(model, vector, examples.length, signal, (network, from, to) => {
    const batch = batchOf(dataset, examples.subarray(from, to));
    const judged = network.judge(batch);
    lossSum += judged.lossSum;
    right += judged.right;
    count += batch.labels.length;
  });
  return { accuracy: right / count, loss: lossSum / count, examples: count };
}

/** All rows; of a text windows that do not overlap. */
function heldOutExamples(dataset: Dataset): Uint32Array {
  if (dataset.kind === 'rows') {
    return Uint32Array.from({ length: dataset.examples }, (_, row) => row);
  }
  const windows = Math.min(textWindowsMax, Math.ceil(dataset.examples / dataset.context));
  return Uint32Array.from({ length: windows }, (_, window) => {
    const spread = windows === 1 ? 0 : (window * (dataset.examples - 1)) / (windows - 1);
    return Math.floor(spread);
  });
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
  const [width, outputs] = [inputsOf(model), outputsOf(model)];
  const rows = inputs.length / width;
  if (!Number.isInteger(rows)) {
    throw new DataShapeError(
      `the model takes ${width} values per row, ${inputs.length} values make no whole rows`,
    );
  }
  const result: Prediction = {
    probabilities: new Float32Array(rows * outputs),
    classes: new Int32Array(rows),
  };
  await inPasses(model, vector, rows, signal, (network, from, to) => {
    const probabilities = network.probabilities(inputs.slice(from * width, to * width), to - from);
    result.probabilities.set(probabilities, from * outputs);
    for (let row = from; row < to; row++) {
      result.classes[row] = mostProbable(result.probabilities.subarray(row * outputs, (row + 1) * outputs));
    }
  });
  return result;
}

async function inPasses(
  model: ModelSpec,
  vector: Float32Array,
  rows: number,
  signal: AbortSignal | undefined,
  pass: (network: Network, from: number, to: number) => void,
): Promise<void> {
  await ensureBackend();
  const network = new Network(model, vector);
  try {
    const step = rowsPerPass(model);
    for (let from = 0; from < rows; from += step) {
      signal?.throwIfAborted();
      pass(network, from, Math.min(rows, from + step));
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
