import * as z from 'zod';
import { squaredDistance } from '../../math/vector.ts';
import { defineAggregator, mixedWith, ranked } from './aggregator.ts';
import { clippedAround } from './clipped.ts';

/**
 * ClippedGossip (He, Karimireddy, Jaggi: "Byzantine-Robust Decentralized Learning via ClippedGossip", 2022):
 * x_i <- x_i + sum of W_ij clip(x_j - x_i, tau_i). With `radius` null, tau_i^2 = (1/delta) sum over honest j of W_ij |x_j - x_i|^2
 * (the paper's choice), where the neighbours of largest distance up to the weight delta are taken for dishonest.
 */
export const selfCentredClip = defineAggregator({
  id: 'self-centred-clip',
  schema: z.strictObject({
    id: z.literal('self-centred-clip').describe('ClippedGossip, He 2022'),
    radius: z.number().positive().nullable().default(null).describe('null: from the distances of the round'),
    delta: z.number().positive().max(0.5).default(0.25).describe('weight of dishonest neighbours, at most'),
  }),
  examples: [
    { id: 'self-centred-clip', delta: 0.3 },
    { id: 'self-centred-clip', radius: 5 },
  ],
  needsDense: true,
  create: ({ radius, delta }) => ({
    aggregate({ own, others, weights }) {
      const tau =
        radius ??
        adaptiveRadius(
          others.map((other) => squaredDistance(own, other)),
          weights,
          delta,
        );
      return mixedWith(
        own,
        others.map((other) => clippedAround(own, other, tau)),
        weights,
      );
    },
  }),
});

function adaptiveRadius(squared: readonly number[], weights: readonly number[], delta: number): number {
  let left = delta;
  let sum = 0;
  for (const j of ranked(squared).reverse()) {
    const suspected = Math.min(left, weights[j]!);
    left -= suspected;
    sum += (weights[j]! - suspected) * squared[j]!;
  }
  return Math.sqrt(sum / delta);
}
