import { powersBelow } from './static-exponential.ts';
import { type Topology, TopologyError } from './topology.ts';

/**
 * In round t everybody sends half to the peer 2^(t mod tau) ahead, tau = ceil(log2 n) (Ying et al. 2021, "Exponential Graph is
 * Provably Efficient for Decentralized Deep Training"). Where n is a power of two, tau rounds average exactly.
 */
export function onePeerExponential(peers: number): Topology {
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
    id: 'one-peer-exponential',
    peers,
    period: rounds.length,
    stochastic: 'doubly',
    isSymmetric: false,
    matrix: (round) => rounds[round % rounds.length]!,
  };
}
