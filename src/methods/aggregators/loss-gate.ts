import * as z from 'zod';
import { AggregationError, defineAggregator, mixedWith } from './aggregator.ts';

/** Only vectors count whose loss on data of one's own is at most `factor` times that of one's own vector. */
export const lossGate = defineAggregator({
  id: 'loss-gate',
  schema: z.strictObject({
    id: z.literal('loss-gate').describe('only models that do well on own data'),
    factor: z.number().min(1).max(1000).default(1.5).describe('of the loss of the own model; guess'),
  }),
  examples: [{ id: 'loss-gate', factor: 100 }],
  needsDense: false,
  needsScores: () => true,
  create: ({ factor }) => ({
    aggregate({ own, others, weights, score }) {
      if (!score)
        throw new AggregationError('loss-gate needs a score: the loss of a vector on data of one’s own');
      const limit = factor * score(own);
      const passing = others.flatMap((other, j) => (score(other) <= limit ? [j] : []));
      return mixedWith(
        own,
        passing.map((j) => others[j]!),
        passing.map((j) => weights[j]!),
      );
    },
  }),
});
