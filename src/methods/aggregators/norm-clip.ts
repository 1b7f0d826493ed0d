import * as z from 'zod';
import { median } from '../../math/statistics.ts';
import { norm, type Vector } from '../../math/vector.ts';
import { allOf, defineAggregator, mixedWith } from './aggregator.ts';

/** Vectors longer than `factor` times the median norm are scaled down to it, then averaged: what delta-log does in its fold. */
export const normClip = defineAggregator({
  id: 'norm-clip',
  schema: z.strictObject({
    id: z.literal('norm-clip'),
    factor: z.number().min(1).max(1000).default(2).describe('of the median norm; guess'),
  }),
  examples: [{ id: 'norm-clip' }],
  needsDense: false,
  create: ({ factor }) => ({
    aggregate(input) {
      const limit = factor * median(allOf(input).map(norm));
      const clipped = (vector: Vector): Vector => {
        const length = norm(vector);
        return length <= limit ? vector : vector.map((value) => (value * limit) / length);
      };
      return mixedWith(clipped(input.own), input.others.map(clipped), input.weights);
    },
  }),
});
