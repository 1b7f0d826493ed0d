/** The learner port on TensorFlow.js. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ExamplesQuestion } from '../../core/io.ts';
import { rngFor } from '../../math/rng.ts';
import type { TrainingSpec } from '../../run/run-spec.ts';
import { DataShapeError } from '../../tasks/datasets/data-error.ts';
import { type Batch, checkFits, type Dataset } from '../../tasks/datasets/dataset.ts';
import type { Metrics } from '../../tasks/metrics.ts';
import { checkSize, frozenOf, parameterCount } from '../../tasks/models/model-layout.ts';
import type { ModelSpec } from '../../tasks/models/registry.ts';
import type { BackendChoice } from '../../tensor/backend-choices.ts';
import { startBackend } from '../../tensor/tfjs-backend.ts';
import { drawBatch } from '../draw-batch.ts';
import type { ExampleSet } from '../evaluation-set.ts';
import {
  checkRequest,
  checkShare,
  type Learner,
  type PrivacyOfTraining,
  type TrainRequest,
  type TrainResult,
} from '../learner.ts';
import { LearnerClosedError, TrainingDivergedError } from '../learning-error.ts';
import {
  drawPrivately,
  examplesAtOnce,
  noiseOf,
  rateOf,
  separateExamples,
} from '../private/private-steps.ts';
import { SecretStream } from '../private/secret-stream.ts';
import { learningRateAt } from '../schedule.ts';
import { deltaScores, meanGradient } from './delta-scores.ts';
import { FrozenModel } from './frozen-model.ts';
import { evaluateModel } from './inference.ts';
import { Network } from './network.ts';

export interface TfjsLearnerOptions {
  readonly model: ModelSpec;
  readonly training: TrainingSpec;
  /** Rounds of the run: the schedule of the learning rate spans them. */
  readonly rounds: number;
  /** One training set per virtual peer; a node has one. */
  readonly shares: readonly Dataset[];
  readonly heldOut: Dataset;
  /** What deltas are judged on, where members judge them. */
  readonly evaluation?: ExampleSet | null;
  /** What all members train on, in place of shares of their own, where deltas are audited. */
  readonly common?: ExampleSet | null;
  /** Part of each training share that is not trained on: others' models, and whole rounds, are judged by it. Left out: none, and they are by what is trained on. */
  readonly validationShare?: number | undefined;
  /** Weights of the model that `model` adds to, where it does. */
  readonly frozen?: Float32Array | null;
  readonly backend: BackendChoice;
  /** Where DP-SGD has its chance from: `named` by the stream key, for simulations, which protect nobody. */
  readonly privateChance?: 'secret' | 'named';
}

/**
 * Starts the backend and checks that all data fits the model. Calls may overlap; each computes step by step
 * on the calling thread and lets other work run between steps.
 * @throws BackendUnavailableError, DataShapeError
 */
export async function createTfjsLearner(given: TfjsLearnerOptions): Promise<Learner> {
  const parts = given.shares.map((share) => partsOf(share, given.validationShare ?? 0));
  const options = { ...given, shares: parts.map(({ learned }) => learned) };
  const { model, shares, heldOut } = options;
  shares.forEach((share, index) => {
    checkFits(share, model, `training share ${index}`);
    if (share.examples === 0) {
      throw new DataShapeError(`training share ${index} has no example`);
    }
  });
  checkFits(heldOut, model, 'held-out data');
  const backend = await startBackend(options.backend);
  const base = frozenOf(model);
  if (base !== null && !options.frozen) {
    throw new DataShapeError(
      `a model of kind ${model.kind} adds to a trained ${base.kind}, which is not here`,
    );
  }
  const frozen = base && options.frozen ? new FrozenModel(base, options.frozen) : null;
  const judgedBy = parts.map(({ validation }) => validation);
  return new TfjsLearner({ ...options, judgedBy }, frozen, backend.sentence);
}

/** Of one example nothing can be kept back. */
function partsOf(share: Dataset, part: number): { readonly learned: Dataset; readonly validation: Dataset } {
  if (part === 0) return { learned: share, validation: share };
  const [learned, validation] = share.split(part);
  return validation.examples > 0 && learned.examples > 0
    ? { learned, validation }
    : { learned: share, validation: share };
}

/** Examples of its own that a peer judges others by. Guess. */
const scoredExamples = 128;

interface JudgedBy {
  /** One for each share. */
  readonly judgedBy: readonly Dataset[];
}

class TfjsLearner implements Learner {
  readonly size: number;
  readonly backend: string;
  readonly samplingRates: readonly number[];
  private readonly options: Omit<TfjsLearnerOptions, 'frozen'> & JudgedBy;
  private readonly frozen: FrozenModel | null;
  private readonly closed = new AbortController();

  constructor(
    { frozen: _, ...options }: TfjsLearnerOptions & JudgedBy,
    frozen: FrozenModel | null,
    backend: string,
  ) {
    this.size = parameterCount(options.model);
    this.backend = backend;
    this.samplingRates = options.shares.map((share) => rateOf(share, options.training.batchSize));
    this.options = options;
    this.frozen = frozen;
  }

  async train(request: TrainRequest, signal?: AbortSignal, enough?: AbortSignal): Promise<TrainResult> {
    const { model, training, rounds, shares } = this.options;
    checkRequest(request, this.size, shares.length);
    const share = shares[request.share]!;
    const totalSteps = rounds * training.localSteps;
    const firstStep = request.round * training.localSteps;
    const network = await Network.load(model, request.parameters, this.frozen);
    const takeStep = request.privacy
      ? this.privateStep(network, share, request, request.privacy)
      : this.plainStep(network, this.options.common ?? share, request);
    let lossSum = 0;
    let made = 0;
    try {
      for (let step = 0; step < request.steps; step++) {
        this.throwIfStopped(signal);
        if (step > 0 && enough?.aborted) break;
        const rate = learningRateAt(training.schedule, training.learningRate, firstStep + step, totalSteps);
        const loss = takeStep(step, rate);
        if (!Number.isFinite(loss)) {
          throw new TrainingDivergedError(
            `the loss is not a number at step ${step} of ${request.steps}: lower training.learningRate (${training.learningRate})`,
          );
        }
        lossSum += loss;
        made += 1;
        await nextTurn();
      }
      this.throwIfStopped(signal);
      const parameters = network.read();
      if (!parameters.every(Number.isFinite)) {
        throw new TrainingDivergedError(
          `parameters left the finite numbers within ${made} steps: lower training.learningRate (${training.learningRate})`,
        );
      }
      return { parameters, loss: lossSum / made, ...(made < request.steps && { steps: made }) };
    } finally {
      network.dispose();
    }
  }

  /** Takes a step at a learning rate and returns the mean loss before it. */
  private plainStep(
    network: Network,
    share: ExampleSet,
    { streamKey }: TrainRequest,
  ): (step: number, learningRate: number) => number {
    const { training } = this.options;
    let batch: Batch | undefined;
    return (step, learningRate) => {
      batch = drawBatch(share, training.batchSize, `${streamKey}/${step}`, batch);
      return network.step(batch, training, learningRate, share.objective);
    };
  }

  /** The same of DP-SGD. */
  private privateStep(
    network: Network,
    share: Dataset,
    { streamKey }: TrainRequest,
    privacy: PrivacyOfTraining,
  ): (step: number, learningRate: number) => number {
    const { training, privateChance = 'secret' } = this.options;
    const stream = privateChance === 'secret' ? SecretStream.secret() : SecretStream.named(streamKey);
    const onAverage = rateOf(share, training.batchSize) * separateExamples(share);
    const atOnce = examplesAtOnce(this.size);
    const settings = { clipNorm: privacy.clipNorm, noise: noiseOf(privacy, onAverage, stream) };
    return (_, learningRate) => {
      const drawn = drawPrivately(share, training.batchSize, stream);
      const batches = function* (): Generator<Batch> {
        for (let at = 0; at < drawn.length; at += atOnce) yield share.batchOf(drawn.slice(at, at + atOnce));
      };
      const lossSum = network.privateStep(batches(), settings, training, learningRate, share.objective);
      return drawn.length === 0 ? 0 : lossSum / drawn.length;
    };
  }

  async score(
    vectors: readonly Float32Array[],
    share: number,
    signal?: AbortSignal,
  ): Promise<readonly number[]> {
    const { judgedBy, model } = this.options;
    checkShare(share, judgedBy.length);
    const sample = judgedBy[share]!.sample(scoredExamples);
    const options = { signal: this.orClosed(signal), frozen: this.frozen };
    options.signal.throwIfAborted();
    const losses: number[] = [];
    for (const vector of vectors) {
      losses.push((await evaluateModel(model, vector, sample, options)).loss);
    }
    return losses;
  }

  async judge(question: ExamplesQuestion, signal?: AbortSignal): Promise<readonly number[]> {
    const { evaluation, model } = this.options;
    if (!evaluation) throw new DataShapeError('there is no evaluation set to judge deltas on');
    checkSize(question.parameters, this.size);
    const rng = rngFor(question.streamKey);
    const examples = Array.from({ length: question.examples }, () => rng.int(evaluation.examples));
    const options = { signal: this.orClosed(signal), frozen: this.frozen };
    options.signal.throwIfAborted();
    const { gradient } = await meanGradient(model, question.parameters, evaluation, examples, options);
    return deltaScores(gradient, question.deltas);
  }

  evaluate(parameters: Float32Array, signal?: AbortSignal): Promise<Metrics> {
    const options = { signal: this.orClosed(signal), frozen: this.frozen };
    return evaluateModel(this.options.model, parameters, this.options.heldOut, options);
  }

  async close(): Promise<void> {
    this.closed.abort(new LearnerClosedError('the learner is closed'));
    this.frozen?.dispose();
  }

  private orClosed(signal: AbortSignal | undefined): AbortSignal {
    return signal ? AbortSignal.any([signal, this.closed.signal]) : this.closed.signal;
  }

  private throwIfStopped(signal: AbortSignal | undefined): void {
    this.closed.signal.throwIfAborted();
    signal?.throwIfAborted();
  }
}
