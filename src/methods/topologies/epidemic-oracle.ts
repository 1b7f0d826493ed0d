import { rngFor } from '../../math/rng.ts';
import { checkRegular } from './random-regular.ts';
import { drawRegularGraph } from './regular-graph.ts';
import { type Topology, weighted } from './topology.ts';

/** Another s-regular graph in every round, the same for everyone: EL-Oracle (de Vos et al. 2023). */
export function epidemicOracle(peers: number, fanout: number, seed: string): Topology {
  checkRegular('epidemic-oracle', peers, fanout);
  return {
    id: 'epidemic-oracle',
    peers,
    period: null,
    stochastic: 'doubly',
    isSymmetric: true,
    matrix: (round) =>
      weighted(drawRegularGraph(peers, fanout, rngFor(`${seed}/oracle/${round}`)), 'uniform'),
  };
}
