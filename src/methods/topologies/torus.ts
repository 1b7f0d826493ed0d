import { type Topology, TopologyError, type WeightRule, weighted } from './topology.ts';

/**
 * A grid of s x s peers whose edges meet, each with the four beside it. With weights of 1/5 its second eigenvalue is
 * (3 + 2 cos(2 pi / s)) / 5.
 */
export function torus(peers: number, rule: WeightRule): Topology {
  const side = Math.round(Math.sqrt(peers));
  if (side * side !== peers || side < 3) {
    throw new TopologyError(`a torus has s x s peers, s at least 3 (9, 16, 25, ...), not ${peers}`);
  }
  const graph = Array.from({ length: peers }, (_, i) => {
    const row = Math.floor(i / side);
    const column = i % side;
    const at = (r: number, c: number) => ((r + side) % side) * side + ((c + side) % side);
    return new Set([at(row - 1, column), at(row + 1, column), at(row, column - 1), at(row, column + 1)]);
  });
  const rows = weighted(graph, rule);
  return { id: 'torus', peers, period: 1, stochastic: 'doubly', isSymmetric: true, matrix: () => rows };
}
