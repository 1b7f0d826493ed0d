import * as z from 'zod';
import { defineTopology, type MixingRow, meansOfGroups, type Topology } from './topology.ts';

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
 * Base-(k+1) graph (Takezawa et al. 2023, "Beyond Exponential Graph", algorithm 3): a sequence of matrices with at most k
 * neighbours a peer whose product is exact averaging, for any n. n = p q, where p has all factors of n up to k + 1: p sets of q peers
 * average within themselves by the simple graph, then q sets of one of each by the hyper-hypercube; where the simple graph of all n
 * is shorter, that.
 */
function exactSequence(peers: number, degree: number): Topology {
  const base = degree + 1;
  const all = Array.from({ length: peers }, (_, i) => i);
  const simple = simpleGraph(all, base);
  const sets = smoothPart(peers, base);
  const each = peers / sets;
  const parts = Array.from({ length: sets }, (_, s) => all.slice(s * each, (s + 1) * each));
  const across = Array.from({ length: each }, (_, i) => parts.map((part) => part[i]!));
  const full = [
    ...together(parts.map((part) => simpleGraph(part, base))),
    ...together(across.map((one) => hyperHypercube(one, base))),
  ];
  const rounds = (simple.length < full.length ? simple : full).map((round) => matrixOf(peers, round));
  if (rounds.length === 0) rounds.push(matrixOf(peers, { groups: [], edges: [] }));
  return { peers, period: rounds.length, matrix: (round) => rounds[round % rounds.length]! };
}

/** What happens in one round: groups that average, and edges of a weight that is not theirs. */
interface Round {
  readonly groups: (readonly number[])[];
  readonly edges: { readonly a: number; readonly b: number; readonly weight: number }[];
}

/** Sequences of peers that have nothing to do with each other, at the same time. */
function together(sequences: readonly (readonly Round[])[]): Round[] {
  const length = Math.max(...sequences.map((rounds) => rounds.length));
  return Array.from({ length }, (_, t) => ({
    groups: sequences.flatMap((rounds) => rounds[t]?.groups ?? []),
    edges: sequences.flatMap((rounds) => rounds[t]?.edges ?? []),
  }));
}

/** The largest divisor of n without a prime factor above `base`. */
function smoothPart(n: number, base: number): number {
  let rest = n;
  for (let factor = 2; factor <= Math.min(base, n); factor++) while (rest % factor === 0) rest /= factor;
  return n / rest;
}

/** The fewest factors up to `base` whose product is n; null where a prime factor is larger. */
function fewestFactors(n: number, base: number, known = new Map<number, number[] | null>()): number[] | null {
  if (n === 1) return [];
  let best = known.get(n);
  if (best !== undefined) return best;
  best = null;
  for (let factor = Math.min(base, n); factor >= 2; factor--) {
    if (n % factor !== 0) continue;
    const rest = fewestFactors(n / factor, base, known);
    if (rest && (!best || rest.length + 1 < best.length)) best = [factor, ...rest];
  }
  known.set(n, best);
  return best;
}

/** k-peer hyper-hypercube (algorithm 1): along one factor of their number a round. The number has no prime factor above `base`. */
function hyperHypercube(peers: readonly number[], base: number): Round[] {
  let stride = 1;
  return fewestFactors(peers.length, base)!.map((count) => {
    const own = stride;
    stride *= count;
    const firsts = peers.flatMap((_, place) => (Math.floor(place / own) % count === 0 ? [place] : []));
    const groups = firsts.map((first) => Array.from({ length: count }, (_, k) => peers[first + k * own]!));
    return { groups, edges: [] };
  });
}

/**
 * Simple Base-(k+1) graph (algorithm 2). n = a_1 b^p_1 + ... + a_L b^p_L with b = k + 1, p_1 > p_2 > ...: blocks V_l of a_l b^p_l peers.
 * First every block averages within itself. Then block by block: each peer of the later blocks R mixes with one peer of each of the a_l
 * parts of V_l at weight |part| / |V_l and R|, after which every part, and R, has the mean of V_l and R; parts average within
 * themselves while R goes on likewise. Peers of V_l that are nobody's partner mix among each other.
 */
function simpleGraph(peers: readonly number[], base: number): Round[] {
  if (fewestFactors(peers.length, base)) return hyperHypercube(peers, base);
  const blocks = blocksOf(peers, base);
  const rounds = together(blocks.map(({ parts }) => hyperHypercube(parts.flat(), base)));
  const begin = rounds.length;
  const later: Round[][] = [];
  for (const [l, { parts }] of blocks.slice(0, -1).entries()) {
    const rest = blocks.slice(l + 1).flatMap((block) => block.parts.flat());
    const [{ length: partSize }] = parts as [number[]];
    const weight = partSize / (parts.length * partSize + rest.length);
    const edges = rest.flatMap((a, i) => parts.map((part) => ({ a, b: part[i]!, weight })));
    const idle = parts.flatMap((part) => part.slice(rest.length));
    const groups = Array.from({ length: Math.ceil(idle.length / base) }, (_, g) =>
      idle.slice(g * base, (g + 1) * base),
    );
    const waits = Array.from({ length: l }, (): Round => ({ groups: [], edges: [] }));
    later.push([...waits, { groups, edges }, ...together(parts.map((part) => hyperHypercube(part, base)))]);
  }
  return [...rounds.slice(0, begin), ...together(later)];
}

/** The digits of n in base `base`, from the highest down: blocks of `digit` parts of a power of the base. */
function blocksOf(peers: readonly number[], base: number): { readonly parts: readonly number[][] }[] {
  const blocks: { readonly parts: readonly number[][] }[] = [];
  let first = 0;
  let size = 1;
  while (size * base <= peers.length) size *= base;
  for (; first < peers.length; size /= base) {
    const count = Math.floor((peers.length - first) / size);
    if (count === 0) continue;
    const begin = first;
    blocks.push({
      parts: Array.from({ length: count }, (_, k) => peers.slice(begin + k * size, begin + (k + 1) * size)),
    });
    first += count * size;
  }
  return blocks;
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
