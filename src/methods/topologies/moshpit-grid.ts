import * as z from 'zod';
import { defineTopology, type MixingRow, meansOfGroups, type Topology, TopologyError } from './topology.ts';

/** Of the method of that name too. */
export const side = z
  .int()
  .min(2)
  .max(4096)
  .optional()
  .describe('places along an axis (M), no fewer than make room for all; left out: as few as that');

export const moshpitGrid = defineTopology({
  id: 'moshpit-grid',
  schema: z.strictObject({
    id: z.literal('moshpit-grid').describe('groups along one axis of a grid (Ryabinin 2021)'),
    dimensions: z.int().min(1).max(16).describe('axes (D)'),
    side,
  }),
  examples: [
    { id: 'moshpit-grid', dimensions: 2 },
    { id: 'moshpit-grid', dimensions: 2, side: 8 },
  ],
  needsRoster: true,
  stochastic: 'doubly',
  isSymmetric: true,
  isStatic: false,
  degree: (spec, peers) => (spec.side ?? sideOf(peers, spec.dimensions)) - 1,
  create: (spec, peers) => grid(peers, spec.dimensions, spec.side ?? sideOf(peers, spec.dimensions)),
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
function grid(peers: number, dimensions: number, side: number): Topology {
  if (2 ** dimensions > Math.max(2, peers)) {
    throw new TopologyError(
      `moshpit-grid: ${peers} peers fill 1 to ${Math.max(1, Math.floor(Math.log2(peers)))} axes of at least two places, not ${dimensions}`,
    );
  }
  if (side ** dimensions < peers) {
    throw new TopologyError(
      `moshpit-grid: ${dimensions} axes of ${side} are ${side ** dimensions} places, fewer than ${peers} peers`,
    );
  }
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
