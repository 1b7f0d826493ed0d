import * as z from 'zod';
import { meanOfVectors } from '../../math/vector.ts';
import { defineAggregator, mixedWith } from './aggregator.ts';

/** The weighted mean: one liar moves it wherever it likes. */
export const mean = defineAggregator({
  id: 'mean',
  schema: z.strictObject({ id: z.literal('mean') }),
  examples: [{ id: 'mean' }],
  needsDense: false,
  create: () => ({
    aggregate: ({ own, others, weights }) =>
      weights.every((weight) => weight === 1 / (others.length + 1))
        ? meanOfVectors([own, ...others])
        : mixedWith(own, others, weights),
  }),
});
