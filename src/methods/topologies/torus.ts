import * as z from 'zod';
import {
  defineTopology,
  type Topology,
  TopologyError,
  type WeightRule,
  weighted,
  weights,
} from './topology.ts';

export const torus = defineTopology({
  id: 'torus',
  schema: z.strictObject({
    id: z.literal('torus').describe('four on a grid whose edges meet; s x s peers'),
    weights,
  }),
  examples: [{ id: 'torus' }],
  needsRoster: true,
  stochastic: 'doubly',
  isSymmetric: true,
  isStatic: true,
  degree: () => 4,
  create: (spec, peers) => torusOf(peers, spec.weights),
});

/**
 * A grid of s x s peers whose edges meet, each with the four beside it. With weights of 1/5 its second eigenvalue is
 * (3 + 2 cos(2 pi / s)) / 5.
 */
function torusOf(peers: number, rule: WeightRule): Topology {
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
  return { peers, period: 1, matrix: () => rows };
}
