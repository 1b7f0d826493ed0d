import * as z from 'zod';
import { allOf, defineAggregator } from './aggregator.ts';
import { byCoordinate } from './by-coordinate.ts';

/** The median of every coordinate, the mean of the middle two of an even number (Yin et al. 2018). */
export const coordinateMedian = defineAggregator({
  id: 'median',
  schema: z.strictObject({ id: z.literal('median').describe('of every coordinate') }),
  examples: [{ id: 'median' }],
  needsDense: true,
  create: () => ({
    aggregate: (input) =>
      byCoordinate(allOf(input), (sorted) => {
        const middle = sorted.length >> 1;
        return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
      }),
  }),
});
