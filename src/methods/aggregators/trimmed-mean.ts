import * as z from 'zod';
import { allOf, defineAggregator, dishonest } from './aggregator.ts';
import { byCoordinate } from './by-coordinate.ts';

/** Per coordinate without its f least and f largest (Yin et al., "Byzantine-Robust Distributed Learning", 2018). Weights do not count. */
export const trimmedMean = defineAggregator({
  id: 'trimmed-mean',
  schema: z.strictObject({
    id: z.literal('trimmed-mean').describe('of every coordinate, Yin 2018'),
    f: dishonest,
  }),
  examples: [{ id: 'trimmed-mean', f: 2 }],
  needsDense: true,
  quorum: ({ f }) => ({ vectors: 2 * f + 1, why: `2f + 1 with f = ${f}` }),
  create: ({ f }) => ({
    aggregate: (input) =>
      byCoordinate(allOf(input), (sorted) => {
        let sum = 0;
        for (let k = f; k < sorted.length - f; k++) sum += sorted[k]!;
        return sum / (sorted.length - 2 * f);
      }),
  }),
});
