import { median } from '../../math/statistics.ts';
import { type Aggregator, allOf, mixedWith } from '../aggregator.ts';
import { normOf, type Vector } from '../dense.ts';

/** Vectors longer than `factor` times the median norm are scaled down to it, then averaged: what delta-log does in its fold. */
export function normClip(factor: number): Aggregator {
  return {
    id: 'norm-clip',
    needsDense: false,
    needsScores: false,
    aggregate(input) {
      const limit = factor * median(allOf(input).map(normOf));
      const clipped = (vector: Vector): Vector => {
        const norm = normOf(vector);
        return norm <= limit ? vector : vector.map((value) => (value * limit) / norm);
      };
      return mixedWith(clipped(input.own), input.others.map(clipped), input.weights);
    },
  };
}
