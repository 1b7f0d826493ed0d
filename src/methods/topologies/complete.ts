import * as z from 'zod';
import { defineTopology, meansOfGroups } from './topology.ts';

/** All with all: the mean of everybody in one round, for n - 1 vectors a peer. */
export const complete = defineTopology({
  id: 'complete',
  schema: z.strictObject({ id: z.literal('complete').describe('all with all') }),
  examples: [{ id: 'complete' }],
  needsRoster: true,
  stochastic: 'doubly',
  isSymmetric: true,
  isStatic: true,
  degree: (_spec, peers) => peers - 1,
  create(_spec, peers) {
    const rows = meansOfGroups(peers, [Array.from({ length: peers }, (_, i) => i)]);
    return { peers, period: 1, matrix: () => rows };
  },
});
