import { rngFor } from '../../math/rng.ts';
import { drawRegularGraph } from './regular-graph.ts';
import { type Topology, TopologyError, type WeightRule, weighted } from './topology.ts';

/** Everybody has `degree` neighbours, drawn once: an expander with high probability. */
export function randomRegular(peers: number, degree: number, rule: WeightRule, seed: string): Topology {
  checkRegular('random-regular', peers, degree);
  const rows = weighted(drawRegularGraph(peers, degree, rngFor(`${seed}/regular`)), rule);
  return {
    id: 'random-regular',
    peers,
    period: 1,
    stochastic: 'doubly',
    isSymmetric: true,
    matrix: () => rows,
  };
}

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
