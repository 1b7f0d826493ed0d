/** A parameter vector applied to examples: metrics of a held-out set, and predictions for single rows. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { counted } from '../../tasks/assessment.ts';
import { DataShapeError } from '../../tasks/datasets/data-error.ts';
import { type Batch, checkFits, type Dataset } from '../../tasks/datasets/dataset.ts';
import { exampleForms } from '../../tasks/example-form.ts';
import type { Metrics } from '../../tasks/metrics.ts';
import { formOf, inputsOf, outputsOf } from '../../tasks/models/model-layout.ts';
import { type ModelSpec, modelKindOf } from '../../tasks/models/registry.ts';
import { ensureBackend } from '../../tensor/tfjs-backend.ts';
import type { FrozenModel } from './frozen-model.ts';
import { Network } from './network.ts';

export interface Prediction {
  /** Row-major rows x outputs; each row sums to 1. */
  readonly probabilities: Float32Array;
  /** Most probable class of each row; the lower one of equals. */
  readonly classes: Int32Array;
}

export interface EvaluationOptions {
  readonly signal?: AbortSignal | undefined;
  /** What the model adds to, where it does. */
  readonly frozen?: FrozenModel | null | undefined;
}

/**
 * Accuracy and loss of `vector` on `dataset`; of a text per byte. Takes the examples that the data set would have measured. Runs on the
 * thread's backend, WebAssembly if none was started; lets other work run between passes.
 * @throws RangeError, DataShapeError; `signal.reason` when aborted.
 */
export async function evaluateModel(
  model: ModelSpec,
  vector: Float32Array,
  dataset: Dataset,
  { signal, frozen }: EvaluationOptions = {},
): Promise<Metrics> {
  checkFits(dataset, model, 'evaluation data');
  if (dataset.examples === 0) {
    throw new DataShapeError('there is no example to evaluate on');
  }
  const examples = dataset.measuredExamples();
  const outputs = outputsOf(model);
  const isSingle = !exampleForms[formOf(model)].isSequence;
  const [labels, predicted, scores]: [number[], number[], number[]] = [[], [], []];
  let [lossSum, right, count] = [0, 0, 0];
  let batch: Batch | undefined;
  await inPasses({ model, vector, rows: examples.length, signal, frozen }, (network, from, to) => {
    batch = dataset.batchOf(examples.subarray(from, to), batch);
    const judged = network.judge(batch);
    lossSum += judged.lossSum;
    right += judged.right;
    count += batch.labels.length;
    if (!isSingle) return;
    for (const label of batch.labels) labels.push(label);
    for (let row = 0; row < judged.predicted.length; row++) predicted.push(judged.predicted[row]!);
    for (const score of judged.scores ?? []) scores.push(score);
  });
  const metrics = { accuracy: right / count, loss: lossSum / count, examples: count };
  if (!isSingle) return metrics;
  return { ...metrics, assessment: counted(labels, predicted, outputs === 2 ? scores : null, outputs) };
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
  await inPasses({ model, vector, rows, signal }, (network, from, to) => {
    const probabilities = network.probabilities(inputs.slice(from * width, to * width), to - from);
    result.probabilities.set(probabilities, from * outputs);
    for (let row = from; row < to; row++) {
      result.classes[row] = mostProbable(result.probabilities.subarray(row * outputs, (row + 1) * outputs));
    }
  });
  return result;
}

interface PassesRequest extends EvaluationOptions {
  readonly model: ModelSpec;
  readonly vector: Float32Array;
  readonly rows: number;
}

async function inPasses(
  { model, vector, rows, signal, frozen }: PassesRequest,
  pass: (network: Network, from: number, to: number) => void,
): Promise<void> {
  await ensureBackend();
  const network = await Network.load(model, vector, frozen);
  try {
    const step = modelKindOf(model).rowsPerPass;
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
