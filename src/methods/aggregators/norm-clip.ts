import { median } from '../../math/statistics.ts';
import { norm, type Vector } from '../../math/vector.ts';
import { type Aggregator, allOf, mixedWith } from './aggregator.ts';

/** Vectors longer than `factor` times the median norm are scaled down to it, then averaged: what delta-log does in its fold. */
export function normClip(factor: number): Aggregator {
  return {
    id: 'norm-clip',
    needsDense: false,
    needsScores: false,
    aggregate(input) {
      const limit = factor * median(allOf(input).map(norm));
      const clipped = (vector: Vector): Vector => {
        const length = norm(vector);
        return length <= limit ? vector : vector.map((value) => (value * limit) / length);
      };
      return mixedWith(clipped(input.own), input.others.map(clipped), input.weights);
    },
  };
}
