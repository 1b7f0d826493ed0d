import * as z from 'zod';
import { meanOfVectors, norm, squaredDistance, weightedSum } from '../../math/vector.ts';
import { defineAggregator } from './aggregator.ts';

/**
 * BALANCE (Fang et al. 2024, "Byzantine-Robust Decentralized Federated Learning"): of the others only those count whose distance to
 * one's own is at most gamma exp(-kappa t / T) |own|; x <- alpha own + (1 - alpha) mean of those.
 */
export const balance = defineAggregator({
  id: 'balance',
  schema: z.strictObject({
    id: z.literal('balance').describe('Fang 2024'),
    gamma: z
      .number()
      .positive()
      .max(1000)
      .default(0.3)
      .describe('radius in norms of the own model; Fang 2024'),
    kappa: z.number().min(0).max(100).default(1).describe('how fast it shrinks over the run; Fang 2024'),
    alpha: z.number().min(0).max(1).default(0.5).describe('weight of the own model; Fang 2024'),
  }),
  examples: [{ id: 'balance', gamma: 2 }],
  needsDense: true,
  create: ({ gamma, kappa, alpha }, rounds) => ({
    aggregate({ own, others, round }) {
      const radius = gamma * Math.exp((-kappa * round) / rounds) * norm(own);
      const near = others.filter((other) => squaredDistance(own, other) <= radius * radius);
      return near.length === 0 ? own.slice() : weightedSum([own, meanOfVectors(near)], [alpha, 1 - alpha]);
    },
  }),
});
