import * as z from 'zod';
import { meanOfVectors, type Vector } from '../../math/vector.ts';
import { allOf, defineAggregator } from './aggregator.ts';
import { clippedAround } from './clipped.ts';

/**
 * v <- v + mean of clip(x_j - v, radius), some times over, from one's own vector (Karimireddy, He, Jaggi: "Learning from
 * History for Byzantine Robust Optimization", 2021; there from the aggregate of the round before).
 */
export const centredClip = defineAggregator({
  id: 'centred-clip',
  schema: z.strictObject({
    id: z.literal('centred-clip').describe('Karimireddy 2021'),
    radius: z.number().positive().describe('distances are clipped to it'),
    iterations: z.int().min(1).max(100).default(3).describe('Karimireddy 2021'),
  }),
  examples: [{ id: 'centred-clip', radius: 2 }],
  needsDense: true,
  create: ({ radius, iterations }) => ({
    aggregate(input) {
      let centre: Vector = input.own;
      for (let i = 0; i < iterations; i++) {
        const around = centre;
        centre = meanOfVectors(allOf(input).map((vector) => clippedAround(around, vector, radius)));
      }
      return centre.slice();
    },
  }),
});
