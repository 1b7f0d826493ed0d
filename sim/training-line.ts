/**
 * Real local training for virtual peers: one learner, one job at a time, in the order in which the peers
 * asked. A job may run while the calendar goes on; whoever dispatches its end waits for it. So the results,
 * and with them the trace, do not depend on how fast the learner is.
 */
import type { Learner, TrainRequest, TrainResult } from '../src/training/learner.ts';

export type TrainingOutcome =
  | { readonly ok: true; readonly result: TrainResult }
  | { readonly ok: false; readonly reason: string };

export class TrainingLine {
  readonly #learner: Learner;
  readonly #signal: AbortSignal | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(learner: Learner, signal?: AbortSignal) {
    this.#learner = learner;
    this.#signal = signal;
  }

  /** Never rejects: a failure is an outcome. */
  train(request: TrainRequest): Promise<TrainingOutcome> {
    const job = this.#last.then(() => this.#learner.train(request, this.#signal));
    const outcome = job.then(
      (result): TrainingOutcome => ({ ok: true, result }),
      (error: unknown): TrainingOutcome => ({
        ok: false,
        reason: error instanceof Error ? error.message : String(error),
      }),
    );
    this.#last = outcome;
    return outcome;
  }

  /** Resolves once no job is running any more. */
  async settle(): Promise<void> {
    await this.#last;
  }
}
