import * as z from 'zod';
import { defineAttack } from './attack.ts';
import { strength } from './strength.ts';

/** -epsilon mu: the mean of the honest updates backwards (Xie, Koyejo, Gupta: "Fall of Empires", 2019). */
export const innerProduct = defineAttack({
  id: 'inner-product',
  schema: z.strictObject({
    id: z.literal('inner-product').describe('the mean of the honest updates, backwards (Xie et al. 2019)'),
    epsilon: strength('times as much', 0.5),
  }),
  examples: [{ id: 'inner-product' }],
  needsHonest: true,
  create: ({ epsilon }) => ({
    claim: ({ honest }) => honest?.updateMean.map((value) => -epsilon * value) ?? null,
  }),
});
