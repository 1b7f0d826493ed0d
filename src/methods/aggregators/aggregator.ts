/** How one vector is made of one's own and those that arrived. */
import { squaredDistance, type Vector, weightedSum } from '../../math/vector.ts';

export interface Aggregation {
  readonly own: Vector;
  /** Vectors of the others, of the same length. */
  readonly others: readonly Vector[];
  /** Weight of each of the others; one's own has what is left to 1. */
  readonly weights: readonly number[];
  /** Rounds since the run began, for rules that tighten. */
  readonly round: number;
  /** Loss of a vector on data of one's own, for rules that ask for it. */
  readonly score?: (vector: Vector) => number;
}

export interface Aggregator {
  readonly id: string;
  /** Judges by distances or by coordinates: that says nothing on sparse vectors, which are nearly orthogonal. */
  readonly needsDense: boolean;
  readonly needsScores: boolean;
  /** A fresh vector; nothing given is modified. @throws AggregationError for fewer vectors than its constants need */
  aggregate(input: Aggregation): Vector;
}

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

/** @throws AggregationError unless the number of vectors is at least `least` */
export function demand(id: string, vectors: number, least: number, why: string): void {
  if (vectors < least) {
    throw new AggregationError(`${id} needs at least ${least} vectors (${why}), there are ${vectors}`);
  }
}
