/**
 * Local training for virtual peers: one learner, one job at a time, in the order in which the peers asked. A job may
 * run while the calendar goes on; whoever dispatches its end waits for it. So the results, and with them the
 * trace, do not depend on how fast the learner is.
 */
import type { Learner, TrainRequest, TrainResult } from '../src/training/learner.ts';

export type TrainingOutcome =
  | { readonly ok: true; readonly result: TrainResult }
  | { readonly ok: false; readonly reason: string };

/** A learner so cheap that nobody need wait for it. */
export interface InstantLearner extends Learner {
  trainNow(request: TrainRequest): TrainResult;
}

export class TrainingLine {
  readonly #learner: Learner | InstantLearner;
  readonly #signal: AbortSignal | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(learner: Learner | InstantLearner, signal?: AbortSignal) {
    this.#learner = learner;
    this.#signal = signal;
  }

  /** Never throws and never rejects: a failure is an outcome. */
  train(request: TrainRequest): TrainingOutcome | Promise<TrainingOutcome> {
    const learner = this.#learner;
    if ('trainNow' in learner) return { ok: true, result: learner.trainNow(request) };
    const outcome = this.#last
      .then(() => learner.train(request, this.#signal))
      .then((result): TrainingOutcome => ({ ok: true, result }), failed);
    this.#last = outcome;
    return outcome;
  }

  /** Resolves once no job is running any more. */
  async settle(): Promise<void> {
    await this.#last;
  }
}

function failed(error: unknown): TrainingOutcome {
  return { ok: false, reason: error instanceof Error ? error.message : String(error) };
}
