import * as z from 'zod';
import { defineAttack, type Labels } from './attack.ts';

export const labelFlip = defineAttack({
  id: 'label-flip',
  schema: z.strictObject({
    id: z.literal('label-flip').describe('trains on labels counted from the other end'),
  }),
  examples: [{ id: 'label-flip' }],
  needsHonest: false,
  create: () => ({ claim: () => null }),
  relabel: flipLabels,
});

/** Label c of `classes` becomes classes - 1 - c: the attacker trains honestly on them (Tolpegin et al. 2020, "Data Poisoning Attacks"). */
export function flipLabels<Given extends Labels>(labels: Given, classes: number): Given {
  return labels.map((label) => classes - 1 - label) as Given;
}
