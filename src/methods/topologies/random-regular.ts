import * as z from 'zod';
import { rngFor } from '../../math/rng.ts';
import { drawRegularGraph } from './regular-graph.ts';
import { defineTopology, TopologyError, weighted, weights } from './topology.ts';

/** Everybody has `degree` neighbours, drawn once: an expander with high probability. */
export const randomRegular = defineTopology({
  id: 'random-regular',
  schema: z.strictObject({
    id: z.literal('random-regular').describe('neighbours drawn once'),
    degree: z.int().min(1).max(1024).describe('neighbours of each peer'),
    weights,
  }),
  examples: [{ id: 'random-regular', degree: 4 }],
  needsRoster: true,
  stochastic: 'doubly',
  isSymmetric: true,
  isStatic: true,
  degree: ({ degree }) => degree,
  create(spec, peers, seed) {
    checkRegular('random-regular', peers, spec.degree);
    const rows = weighted(drawRegularGraph(peers, spec.degree, rngFor(`${seed}/regular`)), spec.weights);
    return { peers, period: 1, matrix: () => rows };
  },
});

/** @throws TopologyError unless a graph on `peers` can have `degree` edges at each of them */
export function checkRegular(id: string, peers: number, degree: number): void {
  if (degree >= peers)
    throw new TopologyError(`${id}: ${peers} peers have at most ${peers - 1} neighbours, not ${degree}`);
  if ((degree * peers) % 2 !== 0) {
    throw new TopologyError(
      `${id}: ${peers} peers with ${degree} neighbours each make ${peers * degree} ends of edges, an odd number; make one of the two even`,
    );
  }
}
