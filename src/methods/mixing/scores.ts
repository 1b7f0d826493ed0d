import type { OutputSink } from '../../core/io.ts';
import type { Vector } from '../../math/vector.ts';
import type { Received } from './mixing-peer.ts';

/** What is mixed once it is scored. */
interface Awaiting {
  readonly round: number;
  readonly received: readonly Received[];
}

/** Losses of what arrived on our own data, for aggregators that ask for them: asked for, awaited, looked up while mixing. */
export class Scores {
  #awaiting: Awaiting | null = null;
  #losses: ReadonlyMap<Vector, number> | null = null;
  #own = Number.POSITIVE_INFINITY;

  get isAwaited(): boolean {
    return this.#awaiting !== null;
  }

  ask(out: OutputSink, round: number, own: Float32Array, received: readonly Received[]): void {
    this.#awaiting = { round, received };
    const vectors = [own, ...received.map(({ parcel }) => parcel.vectors[0] as Float32Array)];
    out.push({ type: 'score', round, vectors });
  }

  /** What waits since before `round`, once: every wait has an end. */
  overdue(round: number): Awaiting | null {
    const awaiting = this.#awaiting;
    if (!awaiting || awaiting.round >= round) return null;
    this.#awaiting = null;
    return awaiting;
  }

  /** What was received of the round, its losses at hand until `forget`: nothing where there are none; null for a stale answer. */
  answered(round: number, losses: readonly number[] | null): readonly Received[] | null {
    const awaiting = this.#awaiting;
    if (awaiting?.round !== round) return null;
    this.#awaiting = null;
    const [own, ...others] = losses ?? [];
    const scored = awaiting.received.slice(0, others.length);
    this.#losses = new Map(scored.map(({ parcel }, j) => [parcel.vectors[0]!, others[j]!]));
    this.#own = own ?? Number.POSITIVE_INFINITY;
    return losses ? awaiting.received : [];
  }

  forget(): void {
    this.#losses = null;
  }

  /** Of one of the vectors received; of any other that of our own. */
  of(vector: Vector): number {
    return this.#losses?.get(vector) ?? this.#own;
  }
}
