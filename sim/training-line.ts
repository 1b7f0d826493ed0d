/**
 * Local training for virtual peers, in the order in which they asked, by one learner or several side by side. A job may
 * run while the calendar goes on; whoever dispatches its end waits for it. So the results, and with them the trace,
 * depend neither on how fast the learners are nor on their number.
 */
import { reasonOf } from '../src/core/as-error.ts';
import type { ExamplesQuestion } from '../src/core/io.ts';
import type { Learner, TrainRequest, TrainResult } from '../src/learning/learner.ts';
import type { Metrics } from '../src/tasks/metrics.ts';
import type { PrivateTraining } from './private-training.ts';

export type TrainingOutcome =
  | { readonly ok: true; readonly result: TrainResult }
  | { readonly ok: false; readonly reason: string };

/** A learner so cheap that nobody need wait for it. */
export interface InstantLearner extends Learner {
  trainNow(request: TrainRequest): TrainResult;
}

interface Lane {
  readonly learner: Learner;
  /** Jobs that have not ended. */
  waiting: number;
  last: Promise<unknown>;
}

export class TrainingLine {
  readonly #lanes: readonly Lane[];
  readonly #instant: InstantLearner | null;
  readonly #signal: AbortSignal | undefined;
  readonly #privacy: PrivateTraining | null;
  /** The last question of that sort: whoever is drawn for a round asks the same, of the same state. */
  #judged: {
    readonly parameters: Float32Array;
    readonly streamKey: string;
    readonly scores: Promise<readonly number[] | null>;
  } | null = null;

  constructor(
    learners: readonly (Learner | InstantLearner)[],
    signal?: AbortSignal,
    privacy: PrivateTraining | null = null,
  ) {
    this.#privacy = privacy;
    this.#lanes = learners.map((learner) => ({ learner, waiting: 0, last: Promise.resolve() }));
    const [first] = learners;
    this.#instant = first && 'trainNow' in first ? first : null;
    this.#signal = signal;
  }

  /** Trainings cost so little that nobody need wait for one. */
  get isInstant(): boolean {
    return this.#instant !== null;
  }

  /** Never throws and never rejects: a failure is an outcome. */
  train(request: TrainRequest): TrainingOutcome | Promise<TrainingOutcome> {
    if (this.#instant) return { ok: true, result: this.#instant.trainNow(request) };
    let privacy: TrainRequest['privacy'];
    try {
      privacy = this.#privacy?.charge(request.share, request.steps);
    } catch (error) {
      return failed(error);
    }
    return this.#append((learner) =>
      learner
        .train({ ...request, privacy }, this.#signal)
        .then((result): TrainingOutcome => ({ ok: true, result }), failed),
    );
  }

  /**
   * Of a training that was asked for and is cut: what so many of its steps come to. The learner has been asked for all of them, for nobody
   * could know; they are paid for no more.
   */
  trainPart(request: TrainRequest, steps: number): TrainingOutcome | Promise<TrainingOutcome> {
    this.#privacy?.giveBack(request.share, request.steps);
    const outcome = this.train({ ...request, steps });
    const asCut = (done: TrainingOutcome): TrainingOutcome =>
      done.ok ? { ok: true, result: { ...done.result, steps } } : done;
    return outcome instanceof Promise ? outcome.then(asCut) : asCut(outcome);
  }

  /** On the held-out data, when its turn has come; `parameters` must not change until then. */
  evaluate(parameters: Float32Array): Promise<Metrics> {
    return this.#append((learner) => learner.evaluate(parameters));
  }

  /** Losses on a share's sample; null where they cannot be had. `vectors` must not change until then. */
  score(vectors: readonly Float32Array[], share: number): Promise<readonly number[] | null> {
    return this.#append((learner) => learner.score(vectors, share, this.#signal).catch(() => null));
  }

  /** What deltas are worth; null where it cannot be had. */
  judge(question: ExamplesQuestion): Promise<readonly number[] | null> {
    const { parameters, streamKey } = question;
    if (this.#judged?.parameters === parameters && this.#judged.streamKey === streamKey)
      return this.#judged.scores;
    const scores = this.#append(async (learner) => {
      const found = await learner.judge?.(question, this.#signal).catch(() => null);
      return found ?? null;
    });
    this.#judged = { parameters, streamKey, scores };
    return scores;
  }

  /** Gives the job to the lane with the fewest before it. */
  #append<Result>(job: (learner: Learner) => Promise<Result>): Promise<Result> {
    const lane = this.#lanes.reduce((least, other) => (other.waiting < least.waiting ? other : least));
    lane.waiting++;
    const result = lane.last.then(() => job(lane.learner)).finally(() => lane.waiting--);
    lane.last = result.catch(() => undefined);
    return result;
  }

  /** Resolves once no job is running any more. */
  async settle(): Promise<void> {
    await Promise.all(this.#lanes.map(({ last }) => last));
  }
}

function failed(error: unknown): TrainingOutcome {
  return { ok: false, reason: reasonOf(error) };
}
