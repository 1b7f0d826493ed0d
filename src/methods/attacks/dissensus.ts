import * as z from 'zod';
import type { Vector } from '../../math/vector.ts';
import { defineAttack } from './attack.ts';
import { strength } from './strength.ts';

/**
 * The honest update and, on top, away from the mean of the honest models: what is left of the attack of He, Karimireddy, Jaggi 2022
 * ("ClippedGossip") where everybody is told the same, as in a log. Where each neighbour is told something else: `dissensusTo`.
 */
export const dissensus = defineAttack({
  id: 'dissensus',
  schema: z.strictObject({
    id: z.literal('dissensus').describe('away from the mean of the honest models (after He et al. 2022)'),
    factor: strength('times the distance to it', 1),
  }),
  examples: [{ id: 'dissensus' }],
  needsHonest: true,
  create: ({ factor }) => ({
    claim: ({ own, model, honest }) =>
      honest && own.map((value, i) => value + factor * (model[i]! - honest.modelMean[i]!)),
  }),
});

/**
 * The attack as it is in the paper: what all dishonest neighbours tell one receiver i, x_i - epsilon sum over its honest neighbours k
 * of W_ik (x_k - x_i) / sum over the dishonest of W_ij. With epsilon 1 its weighted mean is x_i again, as if nobody had spoken; above,
 * it moves away.
 */
export function dissensusTo(
  receiver: Vector,
  honest: readonly { readonly model: Vector; readonly weight: number }[],
  dishonestWeight: number,
  epsilon: number,
): Vector {
  if (!(dishonestWeight > 0)) throw new RangeError('no dishonest neighbour, no dissensus');
  return receiver.map((value, k) => {
    const pull = honest.reduce((sum, { model, weight }) => sum + weight * (model[k]! - value), 0);
    return value - (epsilon * pull) / dishonestWeight;
  });
}
