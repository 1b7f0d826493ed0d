import * as z from 'zod';
import { defineTopology, type MixingRow, type Topology, TopologyError } from './topology.ts';

export const staticExponential = defineTopology({
  id: 'static-exponential',
  schema: z.strictObject({
    id: z.literal('static-exponential').describe('1, 2, 4, ... ahead (Ying 2021)'),
  }),
  examples: [{ id: 'static-exponential' }],
  needsRoster: true,
  stochastic: 'doubly',
  isSymmetric: false,
  isStatic: true,
  degree: (_spec, peers) => powersBelow(peers).length,
  create: (_spec, peers) => exponential(peers),
});

/** Peer i sends to the peers 1, 2, 4, ... ahead of it, all with one weight (Ying et al. 2021, "Exponential Graph is Provably Efficient"). */
function exponential(peers: number): Topology {
  if (peers < 2) throw new TopologyError(`an exponential graph has at least 2 peers, not ${peers}`);
  const hops = powersBelow(peers);
  const rows: MixingRow[] = Array.from({ length: peers }, (_, i) => {
    const weight = 1 / (hops.length + 1);
    return new Map([[i, weight], ...hops.map((hop) => [(i - hop + peers) % peers, weight] as const)]);
  });
  return { peers, period: 1, matrix: () => rows };
}

/** 1, 2, 4, ... below n. */
export function powersBelow(n: number): number[] {
  const powers: number[] = [];
  for (let power = 1; power < n; power *= 2) powers.push(power);
  return powers;
}
