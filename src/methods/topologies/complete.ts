import { meansOfGroups, type Topology } from './topology.ts';

/** All with all: the mean of everybody in one round, for n - 1 vectors a peer. */
export function complete(peers: number): Topology {
  const rows = meansOfGroups(peers, [Array.from({ length: peers }, (_, i) => i)]);
  return { id: 'complete', peers, period: 1, stochastic: 'doubly', isSymmetric: true, matrix: () => rows };
}
