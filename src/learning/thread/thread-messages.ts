/** What passes between a learner and the thread that it runs in. Vectors are transferred, never cloned. */

import type { ExamplesQuestion } from '../../core/io.ts';
import type { TrainingSpec } from '../../run/run-spec.ts';
import type { TaskSpec } from '../../tasks/data/registry.ts';
import { DataFileError, DataShapeError } from '../../tasks/datasets/data-error.ts';
import type { Metrics } from '../../tasks/metrics.ts';
import type { ModelSpec } from '../../tasks/models/registry.ts';
import type { BackendChoice } from '../../tensor/backend-choices.ts';
import { BackendUnavailableError } from '../../tensor/backend-error.ts';
import type { PrivacyOfTraining, TrainResult } from '../learner.ts';
import { LearnerClosedError, LearnerCrashedError, TrainingDivergedError } from '../learning-error.ts';

export interface ThreadLearnerOptions {
  readonly model: ModelSpec;
  readonly task: TaskSpec;
  readonly training: TrainingSpec;
  readonly rounds: number;
  /** Folder or file that `loadTaskData` reads, inside the thread. */
  readonly dataPath: string;
  /** Of the model that `model` adds to, where it does; copied. */
  readonly base?: Float32Array | null;
  /** The run's evaluation set as its file says it, where members judge deltas; copied. */
  readonly evaluation?: Float32Array | null;
  /** Examples that all members train on, as the run's file says it, where they do; copied. */
  readonly common?: Float32Array | null;
  /** As that of `createTfjsLearner`. */
  readonly validationShare?: number | undefined;
  readonly backend: BackendChoice;
}

export type ToWorker =
  | {
      readonly kind: 'train';
      readonly id: number;
      readonly parameters: Float32Array;
      readonly steps: number;
      readonly round: number;
      readonly streamKey: string;
      readonly share: number;
      readonly privacy: PrivacyOfTraining | undefined;
      /** It is enough already: a message behind this one would find more than one step made. */
      readonly isEnough: boolean;
    }
  | {
      readonly kind: 'score';
      readonly id: number;
      readonly vectors: readonly Float32Array[];
      readonly share: number;
    }
  | { readonly kind: 'judge'; readonly id: number; readonly question: ExamplesQuestion }
  | { readonly kind: 'evaluate'; readonly id: number; readonly parameters: Float32Array }
  /** The training ends after the step that it is at. */
  | { readonly kind: 'enough'; readonly id: number }
  /** Stops the call; its answer no longer matters. */
  | { readonly kind: 'abort'; readonly id: number };

export type FromWorker =
  | {
      readonly kind: 'ready';
      readonly size: number;
      readonly backend: string;
      readonly samplingRates: readonly number[] | undefined;
    }
  | { readonly kind: 'not-ready'; readonly error: WireError }
  | { readonly kind: 'trained'; readonly id: number; readonly result: TrainResult }
  | { readonly kind: 'scored'; readonly id: number; readonly result: readonly number[] }
  | { readonly kind: 'judged'; readonly id: number; readonly result: readonly number[] }
  | { readonly kind: 'evaluated'; readonly id: number; readonly result: Metrics }
  | { readonly kind: 'failed'; readonly id: number; readonly error: WireError };

/** An error without its class, which does not survive the passage between threads. */
export interface WireError {
  readonly name: string;
  readonly code: string | null;
  readonly message: string;
}

const CLASSES = [
  TrainingDivergedError,
  BackendUnavailableError,
  LearnerClosedError,
  LearnerCrashedError,
  DataFileError,
  DataShapeError,
  RangeError,
] as const;

export function toWireError(error: unknown): WireError {
  const { name, message, code } = error as NodeJS.ErrnoException;
  return { name: name ?? 'Error', code: code ?? null, message: message ?? String(error) };
}

/** An error of the class it had, where the class is one callers tell apart; the code always survives. */
export function fromWireError({ name, code, message }: WireError): Error {
  const known = CLASSES.find((candidate) => candidate.name === name);
  const error = known ? new known(message) : new Error(message);
  return code === null ? error : Object.assign(error, { code });
}
