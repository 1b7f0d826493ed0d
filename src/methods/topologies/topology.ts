/**
 * Who mixes with whom. A topology gives for every round a sparse mixing matrix W: x_i <- sum over j of W_ij x_j. Whatever
 * W_ij (i is not j) is not zero, j sends to i in that round.
 */
import * as z from 'zod';
import type { Described } from '../../registry/registry.ts';

/** Entries of row i of W by column, the diagonal among them. */
export type MixingRow = ReadonlyMap<number, number>;

export interface Topology {
  /** Number of peers n; they are numbered from 0. */
  readonly peers: number;
  /** W of round t is that of round t + period: 1 where it never changes; null where it is drawn anew each round. */
  readonly period: number | null;
  /** W of a round, counted from 0: one row for each peer. Equal arguments give equal matrices. */
  matrix(round: number): readonly MixingRow[];
}

/** What a manifest may say of a topology, what others must know of it, and how it is made. */
export interface TopologyKind<Schema extends z.ZodObject = z.ZodObject> extends Described {
  readonly schema: Schema;
  readonly examples: readonly z.input<Schema>[];
  /** Everybody must know who takes part; otherwise a peer picks `degree` of those it is linked to, anew each round. */
  readonly needsRoster: boolean;
  /**
   * doubly: rows and columns sum to one, so that averages are kept. column: only columns do, as every sender splits what it has:
   * for push-sum alone.
   */
  readonly stochastic: 'doubly' | 'column';
  /** Whether W equals its transpose in every round. */
  readonly isSymmetric: boolean;
  /** Whether W is the same in every round, for any number of peers. */
  readonly isStatic: boolean;
  /** To how many others a peer sends in a round, at most, on average over the peers. */
  degree(spec: z.output<Schema>, peers: number): number;
  /** @throws TopologyError for a number of peers or a constant that it cannot have */
  create(spec: z.output<Schema>, peers: number, seed: string): Topology;
}

/** Typed by its schema. */
export function defineTopology<Schema extends z.ZodObject>(kind: TopologyKind<Schema>): TopologyKind<Schema> {
  return kind;
}

/** A topology asked for what cannot be. */
export class TopologyError extends RangeError {
  override readonly name = 'TopologyError';
  readonly code = 'BAD_TOPOLOGY';
}

/** How edges of an undirected graph become weights. */
export const weights = z
  .enum(['uniform', 'metropolis-hastings'])
  .default('metropolis-hastings')
  .describe('uniform: 1 / (largest degree + 1); metropolis-hastings: 1 / (1 + larger degree of the two)');
export type WeightRule = z.infer<typeof weights>;

/** Neighbours of each peer, without itself. */
export type Graph = ReadonlyArray<ReadonlySet<number>>;

/**
 * Symmetric, doubly stochastic weights of an undirected graph. uniform: 1 / (largest degree + 1) on every edge.
 * metropolis-hastings: 1 / (1 + max(deg i, deg j)) (Xiao, Boyd: "Fast linear iterations for distributed averaging", 2004).
 * The rest stays on the diagonal.
 */
export function weighted(graph: Graph, rule: WeightRule): MixingRow[] {
  const largest = Math.max(0, ...graph.map(({ size }) => size));
  return graph.map((neighbours, i) => {
    const row = new Map<number, number>();
    let rest = 1;
    for (const j of [...neighbours].sort((a, b) => a - b)) {
      const degree = rule === 'uniform' ? largest : Math.max(neighbours.size, graph[j]!.size);
      row.set(j, 1 / (degree + 1));
      rest -= 1 / (degree + 1);
    }
    return row.set(i, rest);
  });
}

/** Groups whose members all take the mean of their group; peers in none keep what they have. */
export function meansOfGroups(peers: number, groups: readonly (readonly number[])[]): MixingRow[] {
  const rows = Array.from({ length: peers }, (_, i) => new Map([[i, 1]]));
  for (const group of groups) {
    for (const i of group) rows[i] = new Map(group.map((j) => [j, 1 / group.length]));
  }
  return rows;
}

/** W as n rows of n numbers. */
export function denseMatrix(rows: readonly MixingRow[]): Float64Array[] {
  return rows.map((row) => {
    const dense = new Float64Array(rows.length);
    for (const [j, weight] of row) dense[j] = weight;
    return dense;
  });
}

/** To whom a peer sends in a round, and with which weight it is taken. */
export function columnOf(rows: readonly MixingRow[], peer: number): Map<number, number> {
  const column = new Map<number, number>();
  rows.forEach((row, i) => {
    const weight = row.get(peer);
    if (weight !== undefined) column.set(i, weight);
  });
  return column;
}

/** One averaging round on any vectors: x_i <- sum over j of W_ij x_j, as fresh float64 vectors. */
export function mixOnce(rows: readonly MixingRow[], vectors: readonly ArrayLike<number>[]): Float64Array[] {
  return rows.map((row) => {
    const mixed = new Float64Array(vectors[0]!.length);
    for (const [j, weight] of row) {
      const vector = vectors[j]!;
      for (let k = 0; k < mixed.length; k++) mixed[k] = mixed[k]! + weight * vector[k]!;
    }
    return mixed;
  });
}
