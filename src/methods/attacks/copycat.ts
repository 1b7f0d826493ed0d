import * as z from 'zod';
import { defineAttack } from './attack.ts';

/** The newest update of an honest peer as one's own: credit without work. */
export const copycat = defineAttack({
  id: 'copycat',
  schema: z.strictObject({
    id: z.literal('copycat').describe('publishes the newest update of an honest peer as its own'),
  }),
  examples: [{ id: 'copycat' }],
  needsHonest: true,
  create: () => ({ claim: ({ honest }) => honest?.newest.slice() ?? null }),
});
