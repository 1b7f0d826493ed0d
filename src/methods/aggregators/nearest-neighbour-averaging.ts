import * as z from 'zod';
import { meanOfVectors, squaredDistance } from '../../math/vector.ts';
import { defineAggregator, dishonest, ranked } from './aggregator.ts';

/** NNA: the mean of the n - f vectors nearest to one's own (Farhadkhani et al. 2023, "Robust Collaborative Learning with Linear Gradient Overhead"). */
export const nearestNeighbourAveraging = defineAggregator({
  id: 'nna',
  schema: z.strictObject({
    id: z.literal('nna').describe('nearest to the own, Farhadkhani 2023'),
    f: dishonest,
  }),
  examples: [{ id: 'nna', f: 2 }],
  needsDense: true,
  quorum: ({ f }) => ({ vectors: f + 1, why: `f + 1 with f = ${f}` }),
  create: ({ f }) => ({
    aggregate({ own, others }) {
      const nearest = ranked(others.map((other) => squaredDistance(own, other))).slice(0, others.length - f);
      return meanOfVectors([own, ...nearest.map((j) => others[j]!)]);
    },
  }),
});
