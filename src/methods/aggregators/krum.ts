import * as z from 'zod';
import { meanOfVectors, type Vector } from '../../math/vector.ts';
import { allOf, defineAggregator, dishonest, ranked, squaredDistances } from './aggregator.ts';

/**
 * Krum (Blanchard et al. 2017, "Machine Learning with Adversaries"): the vector with the least sum of squared distances to its
 * n - f - 2 nearest others. Distances are squared once.
 */
export const krum = defineAggregator({
  id: 'krum',
  schema: z.strictObject({ id: z.literal('krum').describe('Blanchard 2017'), f: dishonest }),
  examples: [{ id: 'krum', f: 2 }],
  needsDense: true,
  quorum: ({ f }) => ({ vectors: vectorsFor(f), why: `2f + 3 with f = ${f}` }),
  create: ({ f }) => ({ aggregate: (input) => meanOfBest(allOf(input), f, 1) }),
});

/** The mean of the `selected` best. */
export const multiKrum = defineAggregator({
  id: 'multi-krum',
  schema: z.strictObject({
    id: z.literal('multi-krum').describe('Blanchard 2017'),
    f: dishonest,
    selected: z.int().min(1).max(1000).describe('best vectors that are averaged (m)'),
  }),
  examples: [{ id: 'multi-krum', f: 2, selected: 3 }],
  needsDense: true,
  quorum: ({ f, selected }) => ({
    vectors: Math.max(vectorsFor(f), selected),
    why: `2f + 3 with f = ${f}, and ${selected} selected`,
  }),
  create: ({ f, selected }) => ({ aggregate: (input) => meanOfBest(allOf(input), f, selected) }),
});

/** With fewer, the liars may be nearest to each other. */
function vectorsFor(f: number): number {
  return 2 * f + 3;
}

function meanOfBest(vectors: readonly Vector[], f: number, selected: number): Vector {
  const best = ranked(krumScores(squaredDistances(vectors), f)).slice(0, selected);
  return meanOfVectors(best.map((i) => vectors[i]!));
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
