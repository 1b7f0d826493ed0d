import * as z from 'zod';
import { defineTopology, type MixingRow, meansOfGroups, type Topology, TopologyError } from './topology.ts';

export const baseGraph = defineTopology({
  id: 'base-graph',
  schema: z.strictObject({
    id: z.literal('base-graph').describe('exact averaging in few rounds for any n (Takezawa 2023)'),
    degree: z.int().min(1).max(1024).describe('most neighbours in a round (k)'),
  }),
  examples: [
    { id: 'base-graph', degree: 1 },
    { id: 'base-graph', degree: 3 },
  ],
  needsRoster: true,
  stochastic: 'doubly',
  isSymmetric: true,
  isStatic: false,
  degree: ({ degree }) => degree,
  create: ({ degree }, peers) => exactSequence(peers, degree),
});

/**
 * Base-(k+1) graph (Takezawa et al. 2023, "Beyond Exponential Graph", the simple one): a sequence of matrices with at most k
 * neighbours a peer whose product is exact averaging, for any n.
 *
 * n = a_1 b^p_1 + ... + a_L b^p_L with b = k + 1, p_1 > p_2 > ...: blocks V_l of a_l b^p_l peers. First every block averages
 * within itself. Then block by block: each peer of the later blocks R mixes with one peer of each of the a_l parts of V_l at
 * weight |part| / |V_l and R|, after which every part, and R, has the mean of V_l and R; parts average within themselves while R
 * goes on likewise.
 */
function exactSequence(peers: number, degree: number): Topology {
  if (!Number.isInteger(degree) || degree < 1) {
    throw new TopologyError(`a base-(k+1) graph has a degree of at least 1, not ${degree}`);
  }
  const rounds = sequence(peers, degree + 1);
  return {
    peers,
    period: rounds.length,
    matrix: (round) => rounds[round % rounds.length]!,
  };
}

/** Consecutive peers from `first` on: `parts` parts of base^power each. */
interface Block {
  readonly first: number;
  readonly parts: number;
  readonly partSize: number;
}

type Groups = number[][];
/** What happens in one round: groups that average, and edges of a weight that is not theirs. */
interface Round {
  readonly groups: Groups;
  readonly edges: { readonly a: number; readonly b: number; readonly weight: number }[];
}

function sequence(peers: number, base: number): MixingRow[][] {
  const blocks = blocksOf(peers, base);
  const rounds: Round[] = [];
  const at = (round: number): Round => {
    while (rounds.length <= round) rounds.push({ groups: [], edges: [] });
    return rounds[round]!;
  };
  for (const { first, parts, partSize } of blocks) averageWithin(first, parts * partSize, base, 0, at);
  let begin = rounds.length;
  for (const [index, block] of blocks.entries()) {
    const { first, parts, partSize } = block;
    const rest = first + parts * partSize;
    if (index === blocks.length - 1) break;
    const weight = partSize / (peers - first);
    for (let other = rest; other < peers; other++) {
      for (let part = 0; part < parts; part++) {
        at(begin).edges.push({ a: other, b: first + part * partSize + (other - rest), weight });
      }
    }
    for (let part = 0; part < parts; part++) {
      averageWithin(first + part * partSize, partSize, base, begin + 1, at);
    }
    begin++;
  }
  if (rounds.length === 0) at(0);
  return rounds.map((round) => matrixOf(peers, round));
}

/** n in base `base`, from the highest digit down. */
function blocksOf(peers: number, base: number): Block[] {
  const blocks: Block[] = [];
  let first = 0;
  let size = 1;
  while (size * base <= peers) size *= base;
  for (let left = peers; left > 0; size = Math.floor(size / base)) {
    const parts = Math.floor(left / size);
    if (parts === 0) continue;
    blocks.push({ first, parts, partSize: size });
    first += parts * size;
    left -= parts * size;
  }
  return blocks;
}

/** The k-peer hyper-hypercube: peers numbered by digits of `base` average along one digit a round. */
function averageWithin(
  first: number,
  size: number,
  base: number,
  fromRound: number,
  at: (round: number) => Round,
): void {
  let round = fromRound;
  for (let stride = 1; stride < size; stride *= base, round++) {
    const count = Math.min(base, size / stride);
    for (let start = 0; start < size; start++) {
      if (Math.floor(start / stride) % count !== 0) continue;
      at(round).groups.push(Array.from({ length: count }, (_, k) => first + start + k * stride));
    }
  }
}

function matrixOf(peers: number, { groups, edges }: Round): MixingRow[] {
  const rows = meansOfGroups(peers, groups).map((row) => new Map(row));
  for (const { a, b, weight } of edges) {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const row = rows[to]!;
      row.set(from, weight);
      row.set(to, row.get(to)! - weight);
    }
  }
  return rows;
}
