import { type Topology, TopologyError, type WeightRule, weighted } from './topology.ts';

/** Each with the two beside it. With weights of 1/3 its second eigenvalue is 1/3 + 2/3 cos(2 pi / n). */
export function ring(peers: number, rule: WeightRule): Topology {
  if (peers < 3) throw new TopologyError(`a ring has at least 3 peers, not ${peers}`);
  const rows = weighted(
    Array.from({ length: peers }, (_, i) => new Set([(i + 1) % peers, (i + peers - 1) % peers])),
    rule,
  );
  return { id: 'ring', peers, period: 1, stochastic: 'doubly', isSymmetric: true, matrix: () => rows };
}
