import { type MixingRow, type Topology, TopologyError } from './topology.ts';

/** Peer i sends to the peers 1, 2, 4, ... ahead of it, all with one weight (Ying et al. 2021, "Exponential Graph is Provably Efficient"). */
export function staticExponential(peers: number): Topology {
  if (peers < 2) throw new TopologyError(`an exponential graph has at least 2 peers, not ${peers}`);
  const hops = powersBelow(peers);
  const rows: MixingRow[] = Array.from({ length: peers }, (_, i) => {
    const weight = 1 / (hops.length + 1);
    return new Map([[i, weight], ...hops.map((hop) => [(i - hop + peers) % peers, weight] as const)]);
  });
  return {
    id: 'static-exponential',
    peers,
    period: 1,
    stochastic: 'doubly',
    isSymmetric: false,
    matrix: () => rows,
  };
}

/** 1, 2, 4, ... below n. */
export function powersBelow(n: number): number[] {
  const powers: number[] = [];
  for (let power = 1; power < n; power *= 2) powers.push(power);
  return powers;
}
