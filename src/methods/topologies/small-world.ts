import * as z from 'zod';
import { rngFor } from '../../math/rng.ts';
import { defineTopology, type Graph, TopologyError, weighted, weights } from './topology.ts';

/**
 * A ring on which everybody knows the `degree` nearest (an even number), and each edge leads elsewhere with probability
 * `rewiring` (Watts, Strogatz: "Collective dynamics of small-world networks", 1998).
 */
export const smallWorld = defineTopology({
  id: 'small-world',
  schema: z.strictObject({
    id: z.literal('small-world').describe('a ring with some edges led elsewhere (Watts, Strogatz 1998)'),
    degree: z.int().min(1).max(1024).describe('neighbours before rewiring; even'),
    rewiring: z.number().min(0).max(1).default(0.1).describe('chance of each edge to lead elsewhere; guess'),
    weights,
  }),
  examples: [{ id: 'small-world', degree: 4 }],
  needsRoster: true,
  stochastic: 'doubly',
  isSymmetric: true,
  isStatic: true,
  degree: ({ degree }) => degree,
  create(spec, peers, seed) {
    const rows = weighted(rewired(peers, spec.degree, spec.rewiring, seed), spec.weights);
    return { peers, period: 1, matrix: () => rows };
  },
});

function rewired(peers: number, degree: number, rewiring: number, seed: string): Graph {
  if (degree % 2 !== 0 || degree < 2 || degree >= peers - 1) {
    throw new TopologyError(
      `small-world: the degree must be even, at least 2 and below ${peers - 1} for ${peers} peers, not ${degree}`,
    );
  }
  const rng = rngFor(`${seed}/small-world`);
  const graph = Array.from({ length: peers }, () => new Set<number>());
  const join = (a: number, b: number) => {
    graph[a]!.add(b);
    graph[b]!.add(a);
  };
  for (let hop = 1; hop <= degree / 2; hop++) {
    for (let i = 0; i < peers; i++) join(i, (i + hop) % peers);
  }
  for (let hop = 1; hop <= degree / 2; hop++) {
    for (let i = 0; i < peers; i++) {
      const old = (i + hop) % peers;
      // The ring itself stays, so that nobody is cut off.
      if (hop === 1 || rng.float() >= rewiring || !graph[i]!.has(old)) continue;
      const free = graph.flatMap((_, j) => (j !== i && !graph[i]!.has(j) ? [j] : []));
      if (free.length === 0) continue;
      graph[i]!.delete(old);
      graph[old]!.delete(i);
      join(i, free[rng.int(free.length)]!);
    }
  }
  return graph;
}
