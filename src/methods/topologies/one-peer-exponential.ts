import * as z from 'zod';
import { powersBelow } from './static-exponential.ts';
import { defineTopology, type Topology, TopologyError } from './topology.ts';

export const onePeerExponential = defineTopology({
  id: 'one-peer-exponential',
  schema: z.strictObject({
    id: z.literal('one-peer-exponential').describe('2^(t mod tau) ahead in round t (Ying 2021)'),
  }),
  examples: [{ id: 'one-peer-exponential' }],
  needsRoster: true,
  stochastic: 'doubly',
  isSymmetric: false,
  isStatic: false,
  degree: () => 1,
  create: (_spec, peers) => oneAhead(peers),
});

/**
 * In round t everybody sends half to the peer 2^(t mod tau) ahead, tau = ceil(log2 n) (Ying et al. 2021, "Exponential Graph is
 * Provably Efficient for Decentralized Deep Training"). Where n is a power of two, tau rounds average exactly.
 */
function oneAhead(peers: number): Topology {
  if (peers < 2) throw new TopologyError(`an exponential graph has at least 2 peers, not ${peers}`);
  const rounds = powersBelow(peers).map((hop) =>
    Array.from(
      { length: peers },
      (_, i) =>
        new Map([
          [i, 0.5],
          [(i - hop + peers) % peers, 0.5],
        ]),
    ),
  );
  return {
    peers,
    period: rounds.length,
    matrix: (round) => rounds[round % rounds.length]!,
  };
}
