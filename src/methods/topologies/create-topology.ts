import { baseGraph } from './base-graph.ts';
import { complete } from './complete.ts';
import { epidemicLocal } from './epidemic-local.ts';
import { epidemicOracle } from './epidemic-oracle.ts';
import { moshpitGrid } from './moshpit-grid.ts';
import { onePeerExponential } from './one-peer-exponential.ts';
import { randomMatching } from './random-matching.ts';
import { randomRegular } from './random-regular.ts';
import { ring } from './ring.ts';
import { smallWorld } from './small-world.ts';
import { staticExponential } from './static-exponential.ts';
import type { Topology, WeightRule } from './topology.ts';
import { torus } from './torus.ts';

/** A topology by its id, with the constants that it has. */
export type TopologySpec =
  | { readonly id: 'ring' | 'torus'; readonly weights: WeightRule }
  | { readonly id: 'complete' | 'static-exponential' | 'one-peer-exponential' | 'random-matching' }
  | { readonly id: 'random-regular'; readonly degree: number; readonly weights: WeightRule }
  | {
      readonly id: 'small-world';
      readonly degree: number;
      readonly rewiring: number;
      readonly weights: WeightRule;
    }
  | { readonly id: 'base-graph'; readonly degree: number }
  | { readonly id: 'moshpit-grid'; readonly dimensions: number }
  | { readonly id: 'epidemic-oracle' | 'epidemic-local'; readonly fanout: number };

/**
 * The topology of `peers` peers; `seed` names the streams of those that are drawn, so that all who know it draw the same.
 * @throws TopologyError for a number of peers or a constant that it cannot have
 */
export function createTopology(spec: TopologySpec, peers: number, seed: string): Topology {
  switch (spec.id) {
    case 'ring':
      return ring(peers, spec.weights);
    case 'torus':
      return torus(peers, spec.weights);
    case 'complete':
      return complete(peers);
    case 'random-regular':
      return randomRegular(peers, spec.degree, spec.weights, seed);
    case 'static-exponential':
      return staticExponential(peers);
    case 'one-peer-exponential':
      return onePeerExponential(peers);
    case 'base-graph':
      return baseGraph(peers, spec.degree);
    case 'random-matching':
      return randomMatching(peers, seed);
    case 'epidemic-oracle':
      return epidemicOracle(peers, spec.fanout, seed);
    case 'epidemic-local':
      return epidemicLocal(peers, spec.fanout, seed);
    case 'moshpit-grid':
      return moshpitGrid(peers, spec.dimensions);
    case 'small-world':
      return smallWorld(peers, spec.degree, spec.rewiring, spec.weights, seed);
  }
}
