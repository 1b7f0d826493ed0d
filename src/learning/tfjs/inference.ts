/** A parameter vector applied to examples: metrics of a held-out set, and predictions for single rows. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Answered, AnswerObjective } from '../../tasks/answered.ts';
import { counted } from '../../tasks/assessment.ts';
import { DataShapeError } from '../../tasks/datasets/data-error.ts';
import { type Batch, checkFits, type Dataset } from '../../tasks/datasets/dataset.ts';
import { exampleForms } from '../../tasks/example-form.ts';
import { measuresOf } from '../../tasks/measures.ts';
import type { Metrics } from '../../tasks/metrics.ts';
import { formOf, inputsOf, outputsOf } from '../../tasks/models/model-layout.ts';
import { type ModelSpec, modelKindOf } from '../../tasks/models/registry.ts';
import { classification, type Objective } from '../../tasks/objective.ts';
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
  /** After each pass. */
  readonly onRows?: ((done: number, rows: number) => void) | undefined;
  /** Gives the answers with the figures, where they are no classes. */
  readonly keepsAnswers?: boolean;
}

export interface EvaluatedMetrics extends Metrics {
  readonly answered?: Answered;
}

/**
 * Loss of `vector` on `dataset` and what its objective measures; of a text per byte. Takes the examples that the data set would have
 * measured. Runs on the thread's backend, WebAssembly if none was started; lets other work run between passes.
 * @throws RangeError, DataShapeError; `signal.reason` when aborted.
 */
export async function evaluateModel(
  model: ModelSpec,
  vector: Float32Array,
  dataset: Dataset,
  options: EvaluationOptions = {},
): Promise<EvaluatedMetrics> {
  const { signal, frozen, onRows } = options;
  checkFits(dataset, model, 'evaluation data');
  if (dataset.examples === 0) {
    throw new DataShapeError('there is no example to evaluate on');
  }
  const { objective } = dataset;
  if (objective.kind !== 'classification') return measureAnswers(model, vector, dataset, objective, options);
  const examples = dataset.measuredExamples();
  const outputs = outputsOf(model);
  const isSingle = !exampleForms[formOf(model)].isSequence;
  const [labels, predicted, scores, confidences] = [[], [], [], []] as [
    number[],
    number[],
    number[],
    number[],
  ];
  let [lossSum, right, count] = [0, 0, 0];
  let batch: Batch | undefined;
  await inPasses({ model, vector, rows: examples.length, signal, frozen, onRows }, (network, from, to) => {
    batch = dataset.batchOf(examples.subarray(from, to), batch);
    const judged = network.judge(batch);
    lossSum += judged.lossSum;
    right += judged.right;
    count += batch.labels.length;
    if (!isSingle) return;
    for (const label of batch.labels) labels.push(label);
    for (let row = 0; row < judged.predicted.length; row++) predicted.push(judged.predicted[row]!);
    for (const confidence of judged.confidences) confidences.push(confidence);
    for (const score of judged.scores ?? []) scores.push(score);
  });
  const metrics = { accuracy: right / count, loss: lossSum / count, examples: count };
  if (!isSingle) return metrics;
  const known = { labels, predicted, scores: outputs === 2 ? scores : null, confidences };
  return { ...metrics, assessment: counted(known, outputs) };
}

/** Where answers are no classes: all of them are kept until the figures are made of them. */
async function measureAnswers(
  model: ModelSpec,
  vector: Float32Array,
  dataset: Dataset,
  objective: AnswerObjective,
  { signal, frozen, onRows, keepsAnswers = false }: EvaluationOptions,
): Promise<EvaluatedMetrics> {
  const examples = dataset.measuredExamples();
  const width = outputsOf(model);
  const said = new Float32Array(examples.length * width);
  const right = new Float32Array(examples.length * width);
  let lossSum = 0;
  await inPasses({ model, vector, rows: examples.length, signal, frozen, onRows }, (network, from, to) => {
    const batch = dataset.batchOf(examples.subarray(from, to));
    const judged = network.judgeAnswers(batch, objective);
    lossSum += judged.lossSum;
    said.set(judged.answers, from * width);
    right.set(batch.labels, from * width);
  });
  const measures = measuresOf(objective, right, said);
  const metrics = { accuracy: null, loss: lossSum / examples.length, examples: examples.length, measures };
  return keepsAnswers ? { ...metrics, answered: { objective, right, said } } : metrics;
}

/**
 * What the outputs say of `inputs`, row-major rows x outputs: probabilities, or the target in the units of the data.
 * @throws DataShapeError as `predict`
 */
export async function answer(
  model: ModelSpec,
  objective: Objective,
  vector: Float32Array,
  inputs: Float32Array,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const [width, outputs] = [inputsOf(model), outputsOf(model)];
  const rows = inputs.length / width;
  if (!Number.isInteger(rows)) {
    throw new DataShapeError(
      `the model takes ${width} values per row, ${inputs.length} values make no whole rows`,
    );
  }
  const answers = new Float32Array(rows * outputs);
  await inPasses({ model, vector, rows, signal }, (network, from, to) => {
    answers.set(
      network.answers(objective, inputs.slice(from * width, to * width), to - from),
      from * outputs,
    );
  });
  if (objective.kind !== 'regression') return answers;
  const { mean, scale } = objective.target;
  return answers.map((value) => mean + scale * value);
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
  const outputs = outputsOf(model);
  const probabilities = await answer(model, classification, vector, inputs, signal);
  const classes = Int32Array.from({ length: probabilities.length / outputs }, (_, row) =>
    mostProbable(probabilities.subarray(row * outputs, (row + 1) * outputs)),
  );
  return { probabilities, classes };
}

interface PassesRequest extends EvaluationOptions {
  readonly model: ModelSpec;
  readonly vector: Float32Array;
  readonly rows: number;
}

async function inPasses(
  { model, vector, rows, signal, frozen, onRows }: PassesRequest,
  pass: (network: Network, from: number, to: number) => void,
): Promise<void> {
  await ensureBackend();
  const network = await Network.load(model, vector, frozen);
  try {
    const step = modelKindOf(model).rowsPerPass;
    for (let from = 0; from < rows; from += step) {
      signal?.throwIfAborted();
      pass(network, from, Math.min(rows, from + step));
      onRows?.(Math.min(rows, from + step), rows);
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
