/**
 * The learner port, cut at the flat parameter vector and not at the tensor operation: whatever trains
 * (TensorFlow.js on any backend, in a thread of its own or not) is a function from a vector and a seed to a vector.
 * It keeps no state between calls, so one learner can serve many virtual peers.
 */
import type { ExamplesQuestion } from '../core/io.ts';
import type { Metrics } from '../tasks/metrics.ts';
import { checkSize } from '../tasks/models/model-layout.ts';

/** How the examples of a training are protected: DP-SGD in place of the plain steps. */
export interface PrivacyOfTraining {
  /** Largest norm of what one example adds to a step. */
  readonly clipNorm: number;
  /** Deviation of the noise on the sum over a step, in units of clipNorm. */
  readonly noiseMultiplier: number;
}

export interface TrainRequest {
  /** Start vector, length `size`. Not modified. */
  readonly parameters: Float32Array;
  /** Number of local optimiser steps, >= 1. */
  readonly steps: number;
  /** Rounds that the run has behind it: where the learning rate's schedule stands. */
  readonly round: number;
  /** Names the random stream of the batches: the same key and data give the same bits. */
  readonly streamKey: string;
  /** Which of the learner's training shares to draw from (0 unless the learner serves many peers). */
  readonly share: number;
  /** Left out: examples are not protected. Given, the batches are drawn anew each time, and so is the noise. */
  readonly privacy?: PrivacyOfTraining | undefined;
}

export interface TrainResult {
  /** End vector, length `size`, freshly allocated. */
  readonly parameters: Float32Array;
  /** Mean training loss over the steps (natural logarithm, per example). */
  readonly loss: number;
  /** Steps made, where that was enough; left out: all that were asked for. */
  readonly steps?: number | undefined;
}

/**
 * What all implementations promise is said by test/learning/learner-contract.ts. A vector of another size, a share that is not there
 * or less than one whole step is a RangeError; an aborted call rejects with the signal's reason.
 */
export interface Learner {
  /** Number of parameters. */
  readonly size: number;
  /** Backend in use and why not a faster one, in one sentence for people. */
  readonly backend: string;
  /**
   * For each training share the probability with which one of its examples takes part in a step of DP-SGD. Only of a learner that
   * knows DP-SGD.
   */
  readonly samplingRates?: readonly number[] | undefined;
  /** The start vector of a model that is known to the learner alone. */
  initial?(signal?: AbortSignal): Promise<Float32Array>;
  /**
   * `enough`: no step begins any more once it is aborted, but the first; what the steps made come to is the result, to the bit that of a
   * request for so many. A learner that cannot end early goes on.
   * @throws TrainingDivergedError, LearnerClosedError, LearnerBrokenError
   */
  train(request: TrainRequest, signal?: AbortSignal, enough?: AbortSignal): Promise<TrainResult>;
  /** Mean loss of each vector on a fixed sample of a training share: how others' models do on data of one's own. */
  score(vectors: readonly Float32Array[], share: number, signal?: AbortSignal): Promise<readonly number[]>;
  /**
   * What deltas are worth on the run's evaluation set, in whole millionths of a nat: the same for everybody who has the same set and
   * backend. Only of a learner that was given one.
   */
  judge?(question: ExamplesQuestion, signal?: AbortSignal): Promise<readonly number[]>;
  /** Evaluates on the held-out split. */
  evaluate(parameters: Float32Array, signal?: AbortSignal): Promise<Metrics>;
  /** Of a learner of a part of a model: the model's whole vector, of these shared parameters and of its own. */
  whole?(shared: Float32Array): Float32Array;
  /** Of a learner with a twin that trains alone: the twin's parameters, null where it has none that were trained. */
  twin?(): Promise<Float32Array | null>;
  /** Rejects what is under way and all that follows with LearnerClosedError. May be called again. */
  close(): Promise<void>;
}

/** @throws RangeError unless the request is one for a learner of so many parameters and shares */
export function checkRequest(request: TrainRequest, size: number, shares: number): void {
  const { parameters, steps, share } = request;
  checkSize(parameters, size);
  checkShare(share, shares);
  if (!Number.isSafeInteger(steps) || steps < 1) {
    throw new RangeError(`training takes at least one step, not ${steps}`);
  }
}

/** @throws RangeError unless `share` is the number of one of so many */
export function checkShare(share: number, shares: number): void {
  if (!(Number.isInteger(share) && share >= 0 && share < shares)) {
    throw new RangeError(`there is no training share ${share} among ${shares}`);
  }
}

/** Names the random stream of one peer's batches in one round, so that a round can be trained again bit for bit. */
export function batchStreamKey(runId: string, peer: string, round: number): string {
  return `${runId}/${peer}/${round}`;
}
