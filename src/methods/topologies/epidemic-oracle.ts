import * as z from 'zod';
import { rngFor } from '../../math/rng.ts';
import { fanout } from './fanout.ts';
import { checkRegular } from './random-regular.ts';
import { drawRegularGraph } from './regular-graph.ts';
import { defineTopology, weighted } from './topology.ts';

/** Another s-regular graph in every round, the same for everyone: EL-Oracle (de Vos et al. 2023). */
export const epidemicOracle = defineTopology({
  id: 'epidemic-oracle',
  schema: z.strictObject({
    id: z.literal('epidemic-oracle').describe('another regular graph each round (de Vos 2023)'),
    fanout,
  }),
  examples: [{ id: 'epidemic-oracle' }],
  needsRoster: true,
  stochastic: 'doubly',
  isSymmetric: true,
  isStatic: false,
  degree: (spec) => spec.fanout,
  create(spec, peers, seed) {
    checkRegular('epidemic-oracle', peers, spec.fanout);
    return {
      peers,
      period: null,
      matrix: (round) =>
        weighted(drawRegularGraph(peers, spec.fanout, rngFor(`${seed}/oracle/${round}`)), 'uniform'),
    };
  },
});
