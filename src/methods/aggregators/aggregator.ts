/** How one vector is made of one's own and those that arrived. */
import * as z from 'zod';
import { allFinite, squaredDistance, type Vector, weightedSum } from '../../math/vector.ts';
import type { Described } from '../../registry/registry.ts';

export interface Aggregation {
  readonly own: Vector;
  /** Vectors of the others, of the same length. */
  readonly others: readonly Vector[];
  /** Weight of each of the others; one's own has what is left to 1. */
  readonly weights: readonly number[];
  /** Rounds since the run began, for rules that tighten. */
  readonly round: number;
  /** Which of the others are honest, where a figure is checked by one who knows; no run does. */
  readonly honest?: readonly boolean[];
  /** Loss of a vector on data of one's own, for rules that ask for it. */
  readonly score?: (vector: Vector) => number;
}

export interface Aggregator {
  /** A fresh vector; nothing given is modified. @throws AggregationError for fewer vectors than its constants need */
  aggregate(input: Aggregation): Vector;
}

/** Vectors that must come together, one's own among them, and why. */
export interface Quorum {
  readonly vectors: number;
  readonly why: string;
}

/** What a manifest may say of an aggregator, what others must know of it, and how it is made. */
export interface AggregatorKind<Schema extends z.ZodObject = z.ZodObject> extends Described {
  readonly schema: Schema;
  readonly examples: readonly z.input<Schema>[];
  /** Judges by distances or by coordinates: that says nothing on sparse vectors, which are nearly orthogonal. */
  readonly needsDense: boolean;
  /** Asks for the losses of vectors on data of one's own; not where absent. */
  needsScores?(spec: z.output<Schema>): boolean;
  /** Any number will do where absent. */
  quorum?(spec: z.output<Schema>): Quorum;
  /** `rounds`: length of the run, for rules that tighten towards its end. May count on the quorum. */
  create(spec: z.output<Schema>, rounds: number): Aggregator;
}

/** Typed by its schema. */
export function defineAggregator<Schema extends z.ZodObject>(
  kind: AggregatorKind<Schema>,
): AggregatorKind<Schema> {
  return kind;
}

/** The aggregator of a spec, behind the check of its quorum. */
export function withQuorum<Schema extends z.ZodObject>(
  kind: AggregatorKind<Schema>,
  spec: z.output<Schema>,
  rounds: number,
): Aggregator {
  const rule = kind.create(spec, rounds);
  const quorum = kind.quorum?.(spec);
  if (!quorum) return rule;
  return {
    aggregate(input) {
      const vectors = input.others.length + 1;
      if (vectors >= quorum.vectors) return rule.aggregate(input);
      throw new AggregationError(
        `${kind.id} needs at least ${quorum.vectors} vectors (${quorum.why}), there are ${vectors}`,
      );
    },
  };
}

/**
 * A rule that is only given what it can compare: vectors of others with a number that is not finite are as if they had not come (in a
 * sorted column NaN stands for the largest number, and no clip shortens it).
 */
export function guarded(rule: Aggregator): Aggregator {
  return {
    aggregate(input) {
      const { own, others, weights } = input;
      if (weights.length !== others.length) {
        throw new AggregationError(`${weights.length} weights do not go with ${others.length} vectors`);
      }
      if (others.some(({ length }) => length !== own.length)) {
        throw new AggregationError(`vectors have other lengths than one's own ${own.length}`);
      }
      if (!allFinite(own)) throw new AggregationError("one's own vector has a number that is not finite");
      if (others.every(allFinite)) return rule.aggregate(input);
      const sound = others.flatMap((other, j) => (allFinite(other) ? [j] : []));
      return rule.aggregate({
        ...input,
        others: sound.map((j) => others[j]!),
        weights: sound.map((j) => weights[j]!),
        ...(input.honest ? { honest: sound.map((j) => input.honest![j]!) } : {}),
      });
    },
  };
}

/** Field of those that are told how many lie. */
export const dishonest = z.int().min(0).max(1000).describe('dishonest among those that come together (f)');

export class AggregationError extends RangeError {
  override readonly name = 'AggregationError';
  readonly code = 'BAD_AGGREGATION';
}

/** Own vector first, then the others. */
export function allOf({ own, others }: Aggregation): Vector[] {
  return [own, ...others];
}

/** Squared Euclidean distances between all pairs. */
export function squaredDistances(vectors: readonly Vector[]): number[][] {
  const distances = vectors.map(() => new Array<number>(vectors.length).fill(0));
  for (let i = 0; i < vectors.length; i++) {
    for (let j = 0; j < i; j++) {
      const distance = squaredDistance(vectors[i]!, vectors[j]!);
      distances[i]![j] = distance;
      distances[j]![i] = distance;
    }
  }
  return distances;
}

/** Numbers 0, 1, ... in ascending order of their value; equal ones in order of the number. */
export function ranked(values: readonly number[]): number[] {
  return values.map((_, i) => i).sort((a, b) => values[a]! - values[b]! || a - b);
}

/** own + sum of weight * (changed other - own): what is left of a weighted mean when the others were changed. */
export function mixedWith(own: Vector, others: readonly Vector[], weights: readonly number[]): Vector {
  const rest = 1 - weights.reduce((sum, weight) => sum + weight, 0);
  return weightedSum([own, ...others], [rest, ...weights]);
}
