import * as z from 'zod';
import { squaredDistance } from '../../math/vector.ts';
import { defineAggregator, mixedWith, ranked } from './aggregator.ts';
import { clippedAround } from './clipped.ts';

/**
 * ClippedGossip (He, Karimireddy, Jaggi: "Byzantine-Robust Decentralized Learning via ClippedGossip", 2022):
 * x_i <- x_i + sum of W_ij clip(x_j - x_i, tau_i). With `radius` null, tau_i^2 = (1/delta_i) sum over honest j of W_ij |x_j - x_i|^2.
 * Whoever knows who is honest says so (`honest`): delta_i is then the weight of the others, and nothing is clipped where that is zero,
 * as in the paper's theorems. Nobody does in a run: as in the paper's remark the sum goes over the nearest neighbours that, with
 * oneself, have a weight of 1 - delta (the authors' code takes the second largest distance instead). A single honest link into
 * another part of the network that weighs no more than delta looks like a dishonest neighbour, and is clipped to what is left
 * between the near ones, which goes to zero: such graphs need a radius, as the paper's own experiments have (1).
 */
export const selfCentredClip = defineAggregator({
  id: 'self-centred-clip',
  schema: z.strictObject({
    id: z.literal('self-centred-clip').describe('ClippedGossip, He 2022'),
    radius: z.number().positive().nullable().default(null).describe('null: from the distances of the round'),
    delta: z
      .number()
      .positive()
      .max(0.5)
      .default(0.25)
      .describe(
        'weight of dishonest neighbours, at most; less than that of a link that alone joins two parts',
      ),
  }),
  examples: [
    { id: 'self-centred-clip', delta: 0.3 },
    { id: 'self-centred-clip', radius: 5 },
  ],
  needsDense: true,
  create: ({ radius, delta }) => ({
    aggregate({ own, others, weights, honest }) {
      const squared = (): number[] => others.map((other) => squaredDistance(own, other));
      const tau =
        radius ??
        (honest ? knownRadius(squared(), weights, honest) : adaptiveRadius(squared(), weights, delta));
      return mixedWith(
        own,
        others.map((other) => clippedAround(own, other, tau)),
        weights,
      );
    },
  }),
});

function knownRadius(
  squared: readonly number[],
  weights: readonly number[],
  honest: readonly boolean[],
): number {
  const sumOver = (isHonest: boolean, of: (j: number) => number): number =>
    honest.reduce((sum, is, j) => (is === isHonest ? sum + of(j) : sum), 0);
  const dishonest = sumOver(false, (j) => weights[j]!);
  const spread = sumOver(true, (j) => weights[j]! * squared[j]!);
  return dishonest === 0 ? Number.POSITIVE_INFINITY : Math.sqrt(spread / dishonest);
}

function adaptiveRadius(squared: readonly number[], weights: readonly number[], delta: number): number {
  let trusted = 1 - weights.reduce((sum, weight) => sum + weight, 0);
  let spread = 0;
  for (const j of ranked(squared)) {
    // Whole neighbours: what is left of 1 - delta may be less than the next one weighs.
    if (trusted >= 1 - delta - 1e-12) break;
    trusted += weights[j]!;
    spread += weights[j]! * squared[j]!;
  }
  return Math.sqrt(spread / delta);
}
