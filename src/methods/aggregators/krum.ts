import { meanOfVectors } from '../../math/vector.ts';
import { type Aggregator, allOf, demand, ranked, squaredDistances } from './aggregator.ts';

/**
 * Krum (Blanchard et al. 2017, "Machine Learning with Adversaries"): the vector with the least sum of squared distances to its
 * n - f - 2 nearest others. multi-krum: the mean of the `selected` best. Distances are squared once.
 */
export function krum(f: number, selected?: number): Aggregator {
  const id = selected === undefined ? 'krum' : 'multi-krum';
  return {
    id,
    needsDense: true,
    needsScores: false,
    aggregate(input) {
      const vectors = allOf(input);
      demand(id, vectors.length, Math.max(2 * f + 3, selected ?? 1), `2f + 3 with f = ${f}`);
      const best = ranked(krumScores(squaredDistances(vectors), f)).slice(0, selected ?? 1);
      return meanOfVectors(best.map((i) => vectors[i]!));
    },
  };
}

/** Sum of the n - f - 2 smallest squared distances of each to others. */
export function krumScores(distances: readonly (readonly number[])[], f: number): number[] {
  const nearest = distances.length - f - 2;
  return distances.map((row, i) =>
    row
      .filter((_, j) => j !== i)
      .sort((a, b) => a - b)
      .slice(0, nearest)
      .reduce((sum, distance) => sum + distance, 0),
  );
}
