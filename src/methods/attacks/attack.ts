/** What a dishonest peer says its update was. Updates are end minus start of a local round. */
import type * as z from 'zod';
import type { Vector } from '../../math/vector.ts';
import type { Described } from '../../registry/registry.ts';

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

/** Of one attacker, who may remember. */
export interface Attack {
  /** The update that is claimed, a fresh vector; null: the honest one. */
  claim(input: AttackInput): Vector | null;
}

export type Labels = Uint8Array | Int32Array;

/** What a scenario may say of an attack on training, what others must know of it, and how an attacker is made. */
export interface AttackKind<Schema extends z.ZodObject = z.ZodObject> extends Described {
  readonly schema: Schema;
  readonly examples: readonly z.input<Schema>[];
  /** Knows what the honest peers do. */
  readonly needsHonest: boolean;
  create(spec: z.output<Schema>): Attack;
  /** What it makes of the labels that it trains on, fresh ones. Such an attack is in the data and has no beginning. */
  relabel?<Given extends Labels>(labels: Given, classes: number): Given;
}

/** Typed by its schema. */
export function defineAttack<Schema extends z.ZodObject>(kind: AttackKind<Schema>): AttackKind<Schema> {
  return kind;
}
