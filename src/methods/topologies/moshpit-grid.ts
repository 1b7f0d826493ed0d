import * as z from 'zod';
import { defineTopology, type MixingRow, meansOfGroups, type Topology, TopologyError } from './topology.ts';

export const moshpitGrid = defineTopology({
  id: 'moshpit-grid',
  schema: z.strictObject({
    id: z.literal('moshpit-grid').describe('groups along one axis of a grid (Ryabinin 2021)'),
    dimensions: z.int().min(1).max(16).describe('axes (D)'),
  }),
  examples: [{ id: 'moshpit-grid', dimensions: 2 }],
  needsRoster: true,
  stochastic: 'doubly',
  isSymmetric: true,
  isStatic: false,
  degree: ({ dimensions }, peers) => sideOf(peers, dimensions) - 1,
  create: ({ dimensions }, peers) => grid(peers, dimensions),
});

/** Places along an axis. */
function sideOf(peers: number, dimensions: number): number {
  let side = 1;
  while (side ** dimensions < peers) side++;
  return side;
}

/**
 * Peers on a grid of `dimensions` axes average in groups along axis t mod D (Ryabinin et al. 2021, "Moshpit SGD"). A full grid,
 * n = side^D, has its exact mean after D rounds; where places are empty the groups are uneven and it takes longer.
 */
function grid(peers: number, dimensions: number): Topology {
  if (!Number.isInteger(dimensions) || dimensions < 1 || 2 ** dimensions > Math.max(2, peers)) {
    throw new TopologyError(
      `moshpit-grid: ${peers} peers fill 1 to ${Math.max(1, Math.floor(Math.log2(peers)))} axes of at least two places, not ${dimensions}`,
    );
  }
  const side = sideOf(peers, dimensions);
  const rounds = Array.from({ length: dimensions }, (_, axis): MixingRow[] => {
    const stride = side ** axis;
    const groups = new Map<number, number[]>();
    for (let i = 0; i < peers; i++) {
      const place = i - (Math.floor(i / stride) % side) * stride;
      const group = groups.get(place);
      if (group) group.push(i);
      else groups.set(place, [i]);
    }
    return meansOfGroups(peers, [...groups.values()]);
  });
  return {
    peers,
    period: dimensions,
    matrix: (round) => rounds[round % dimensions]!,
  };
}
