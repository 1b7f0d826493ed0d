/** What a dishonest peer says its update was. Updates are end minus start of a local round. */
import type { Vector } from '../../math/vector.ts';

/** What an attacker who sees everything knows of the honest peers of a round. The literature's attacks assume it. */
export interface Honest {
  /** Per coordinate: mean and variance of the honest updates. */
  readonly updateMean: Vector;
  readonly updateVariance: Vector;
  /** Per coordinate: mean of the honest models after training. */
  readonly modelMean: Vector;
  /** Update of one honest peer, the newest. */
  readonly newest: Vector;
}

export interface AttackInput {
  readonly round: number;
  /** The attacker's own update, had it been honest. */
  readonly own: Vector;
  /** Its own model after training. */
  readonly model: Vector;
  /** null while nothing is known. */
  readonly honest: Honest | null;
}

export interface Attack {
  readonly id: string;
  readonly needsHonest: boolean;
  /** The update that is claimed, a fresh vector; null: the honest one. */
  claim(input: AttackInput): Vector | null;
}
