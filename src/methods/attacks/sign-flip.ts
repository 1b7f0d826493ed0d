import * as z from 'zod';
import { defineAttack } from './attack.ts';
import { strength } from './strength.ts';

/** The opposite of what training gave, `factor` times. */
export const signFlip = defineAttack({
  id: 'sign-flip',
  schema: z.strictObject({
    id: z.literal('sign-flip').describe('the opposite of what training gave'),
    factor: strength('times as much', 1),
  }),
  examples: [{ id: 'sign-flip' }],
  needsHonest: false,
  create: ({ factor }) => ({ claim: ({ own }) => own.map((value) => -factor * value) }),
});
