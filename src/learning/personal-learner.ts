/** A learner of the shared tensors of a model: the others are this peer's own, train with them, and are told to nobody. */
import type { Metrics } from '../tasks/metrics.ts';
import type { ModelParts } from '../tasks/models/personal-layers.ts';
import type { Learner, TrainRequest, TrainResult } from './learner.ts';

export interface PersonalOptions {
  readonly parts: ModelParts;
  /** As of the last training; of a new peer those of the start vector. Not modified. */
  readonly personal: Float32Array;
  /** Keeps what they have become; a training has ended only when it resolves. */
  readonly keep: (personal: Float32Array) => Promise<void>;
}

/**
 * Takes and gives vectors of the shared tensors. Unlike other learners it has a state, the personal tensors as of the last training that
 * ended well: one peer is all it serves.
 */
export class PersonalLearner implements Learner {
  readonly size: number;
  readonly backend: string;
  readonly #learner: Learner;
  readonly #parts: ModelParts;
  readonly #keep: PersonalOptions['keep'];
  #personal: Float32Array;

  /** @throws RangeError where the parts are not those of the learner's model */
  constructor(learner: Learner, { parts, personal, keep }: PersonalOptions) {
    if (learner.size !== parts.shared + parts.personal || personal.length !== parts.personal) {
      throw new RangeError(
        `a learner of ${learner.size} parameters has no ${parts.shared} shared and ${personal.length} personal ones`,
      );
    }
    this.size = parts.shared;
    this.backend = learner.backend;
    this.#learner = learner;
    this.#parts = parts;
    this.#personal = personal;
    this.#keep = keep;
  }

  async train(request: TrainRequest, signal?: AbortSignal, enough?: AbortSignal): Promise<TrainResult> {
    const whole = await this.#learner.train(
      { ...request, parameters: this.whole(request.parameters) },
      signal,
      enough,
    );
    const { shared, personal } = this.#parts.split(whole.parameters);
    await this.#keep(personal.slice());
    this.#personal = personal;
    return { ...whole, parameters: shared };
  }

  /** Shared tensors of others with personal ones of our own. */
  score(vectors: readonly Float32Array[], share: number, signal?: AbortSignal): Promise<readonly number[]> {
    return this.#learner.score(
      vectors.map((vector) => this.whole(vector)),
      share,
      signal,
    );
  }

  async evaluate(parameters: Float32Array, signal?: AbortSignal): Promise<Metrics> {
    return this.#learner.evaluate(this.whole(parameters), signal);
  }

  whole(shared: Float32Array): Float32Array {
    return this.#parts.join(shared, this.#personal);
  }

  async twin(): Promise<Float32Array | null> {
    return (await this.#learner.twin?.()) ?? null;
  }

  close(): Promise<void> {
    return this.#learner.close();
  }
}
