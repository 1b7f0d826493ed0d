import * as z from 'zod';
import { rngFor } from '../../math/rng.ts';
import { fanout } from './fanout.ts';
import { defineTopology, type MixingRow, type Topology, TopologyError } from './topology.ts';

export const epidemicLocal = defineTopology({
  id: 'epidemic-local',
  schema: z.strictObject({
    id: z
      .literal('epidemic-local')
      .describe(
        'whom each picks of those it is linked to, anew each round (de Vos 2023); needs no list of peers',
      ),
    fanout,
  }),
  examples: [{ id: 'epidemic-local' }],
  needsRoster: false,
  stochastic: 'column',
  isSymmetric: false,
  isStatic: false,
  degree: (spec) => spec.fanout,
  create: (spec, peers, seed) => picksOfEach(peers, spec.fanout, seed),
});

/**
 * In every round each peer sends to s others of its own choice: EL-Local (de Vos et al. 2023). Here with the weights of
 * push-sum: every sender keeps 1/(s+1) and gives as much to each.
 */
function picksOfEach(peers: number, picks: number, seed: string): Topology {
  if (picks >= peers) {
    throw new TopologyError(
      `epidemic-local: ${peers} peers have at most ${peers - 1} others to send to, not ${picks}`,
    );
  }
  return {
    peers,
    period: null,
    matrix: (round): MixingRow[] => {
      const weight = 1 / (picks + 1);
      const rows = Array.from({ length: peers }, (_, i) => new Map([[i, weight]]));
      for (let from = 0; from < peers; from++) {
        const rng = rngFor(`${seed}/local/${round}/${from}`);
        for (const pick of rng.sample(peers - 1, picks))
          rows[pick < from ? pick : pick + 1]!.set(from, weight);
      }
      return rows;
    },
  };
}
