import * as z from 'zod';
import { rngFor } from '../../math/rng.ts';
import { defineTopology, type MixingRow, meansOfGroups, TopologyError } from './topology.ts';

/**
 * In every round pairs drawn at random take their mean; of an odd number one rests. Variance shrinks by (n-2)/(2(n-1)) a round
 * (Boyd et al., "Randomized gossip algorithms", 2006).
 */
export const randomMatching = defineTopology({
  id: 'random-matching',
  schema: z.strictObject({
    id: z.literal('random-matching').describe('pairs drawn anew each round'),
  }),
  examples: [{ id: 'random-matching' }],
  needsRoster: true,
  stochastic: 'doubly',
  isSymmetric: true,
  isStatic: false,
  degree: () => 1,
  create(_spec, peers, seed) {
    if (peers < 2) throw new TopologyError(`a matching has at least 2 peers, not ${peers}`);
    return {
      peers,
      period: null,
      matrix: (round): MixingRow[] => {
        const order = Array.from({ length: peers }, (_, i) => i);
        rngFor(`${seed}/matching/${round}`).shuffle(order);
        const pairs = Array.from({ length: Math.floor(peers / 2) }, (_, k) => order.slice(2 * k, 2 * k + 2));
        return meansOfGroups(peers, pairs);
      },
    };
  },
});
