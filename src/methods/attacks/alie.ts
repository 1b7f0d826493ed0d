import * as z from 'zod';
import { defineAttack } from './attack.ts';
import { strength } from './strength.ts';

/** mu - z sigma of the honest updates: within their spread, and all on one side (Baruch, Baruch, Goldberg: "A Little Is Enough", 2019). */
export const alie = defineAttack({
  id: 'alie',
  schema: z.strictObject({
    id: z
      .literal('alie')
      .describe('mean of the honest updates less z standard deviations (Baruch et al. 2019)'),
    z: strength('standard deviations', 1.5),
  }),
  examples: [{ id: 'alie' }],
  needsHonest: true,
  create: (spec) => ({
    claim: ({ honest }) =>
      honest?.updateMean.map((value, i) => value - spec.z * Math.sqrt(honest.updateVariance[i]!)) ?? null,
  }),
});
