import * as z from 'zod';
import { defineAttack } from './attack.ts';
import { strength } from './strength.ts';

/** The honest update and, on top, away from the mean of the honest models (He, Karimireddy, Jaggi 2022, "ClippedGossip"). */
export const dissensus = defineAttack({
  id: 'dissensus',
  schema: z.strictObject({
    id: z.literal('dissensus').describe('away from the mean of the honest models (He et al. 2022)'),
    factor: strength('times the distance to it', 1),
  }),
  examples: [{ id: 'dissensus' }],
  needsHonest: true,
  create: ({ factor }) => ({
    claim: ({ own, model, honest }) =>
      honest && own.map((value, i) => value + factor * (model[i]! - honest.modelMean[i]!)),
  }),
});
