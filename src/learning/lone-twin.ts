/** What would have come of it alone: beside a node's own training, a twin that nobody's deltas reach does the same steps. */
import type { ExamplesQuestion } from '../core/io.ts';
import type { LoneResult, Metrics } from '../tasks/metrics.ts';
import type { Learner, TrainRequest, TrainResult } from './learner.ts';

/**
 * The learner, whose evaluations say besides how the twin does. The twin begins at `initial`, with the run, and takes the same steps on the
 * same batches after each round of the learner; it is kept in memory alone, so that after a restart it begins anew, and where its training
 * fails it is given up. Training takes twice the time of a processor.
 */
export function withLoneTwin(learner: Learner, initial: Float32Array): Learner {
  return new TwinnedLearner(learner, initial.slice());
}

class TwinnedLearner implements Learner {
  readonly size: number;
  readonly backend: string;
  readonly samplingRates?: readonly number[];
  readonly initial?: (signal?: AbortSignal) => Promise<Float32Array>;
  readonly #learner: Learner;
  /** null: it was given up. */
  #twin: Float32Array | null;
  #steps = 0;
  /** Rounds of the twin, one after the other. */
  #following: Promise<void> = Promise.resolve();

  constructor(learner: Learner, initial: Float32Array) {
    this.size = learner.size;
    this.backend = learner.backend;
    this.#learner = learner;
    if (learner.samplingRates) this.samplingRates = learner.samplingRates;
    if (learner.initial) this.initial = (signal) => learner.initial!(signal);
    this.#twin = initial;
  }

  async train(request: TrainRequest, signal?: AbortSignal, enough?: AbortSignal): Promise<TrainResult> {
    const result = await this.#learner.train(request, signal, enough);
    const steps = result.steps ?? request.steps;
    this.#following = this.#following.then(() => this.#follow({ ...request, steps }));
    return result;
  }

  score(vectors: readonly Float32Array[], share: number, signal?: AbortSignal): Promise<readonly number[]> {
    return this.#learner.score(vectors, share, signal);
  }

  judge(question: ExamplesQuestion, signal?: AbortSignal): Promise<readonly number[]> {
    const judge = this.#learner.judge?.bind(this.#learner);
    return judge ? judge(question, signal) : Promise.reject(new TypeError('this learner judges nothing'));
  }

  async evaluate(parameters: Float32Array, signal?: AbortSignal): Promise<Metrics> {
    const metrics = await this.#learner.evaluate(parameters, signal);
    await this.#following;
    if (this.#twin === null || this.#steps === 0) return metrics;
    const steps = this.#steps;
    const { accuracy, loss, measures } = await this.#learner.evaluate(this.#twin, signal);
    const alone: LoneResult = { accuracy, loss, steps, ...(measures ? { measures } : {}) };
    return { ...metrics, alone };
  }

  async twin(): Promise<Float32Array | null> {
    await this.#following;
    return this.#steps === 0 ? null : this.#twin;
  }

  close(): Promise<void> {
    return this.#learner.close();
  }

  async #follow(request: TrainRequest): Promise<void> {
    const parameters = this.#twin;
    if (parameters === null) return;
    try {
      // It stays on this node: nobody needs to be protected from it.
      const own = { ...request, parameters, privacy: undefined };
      this.#twin = (await this.#learner.train(own)).parameters;
      this.#steps += request.steps;
    } catch {
      // It diverged, or the learner was closed: the node's own training says so for itself.
      this.#twin = null;
    }
  }
}
