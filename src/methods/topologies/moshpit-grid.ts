import { type MixingRow, meansOfGroups, type Topology, TopologyError } from './topology.ts';

/**
 * Peers on a grid of `dimensions` axes average in groups along axis t mod D (Ryabinin et al. 2021, "Moshpit SGD"). A full grid,
 * n = side^D, has its exact mean after D rounds; where places are empty the groups are uneven and it takes longer.
 */
export function moshpitGrid(peers: number, dimensions: number): Topology {
  if (!Number.isInteger(dimensions) || dimensions < 1 || 2 ** dimensions > Math.max(2, peers)) {
    throw new TopologyError(
      `moshpit-grid: ${peers} peers fill 1 to ${Math.max(1, Math.floor(Math.log2(peers)))} axes of at least two places, not ${dimensions}`,
    );
  }
  let side = 1;
  while (side ** dimensions < peers) side++;
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
    id: 'moshpit-grid',
    peers,
    period: dimensions,
    stochastic: 'doubly',
    isSymmetric: true,
    matrix: (round) => rounds[round % dimensions]!,
  };
}
