import { rngFor } from '../../math/rng.ts';
import { type MixingRow, type Topology, TopologyError } from './topology.ts';

/**
 * In every round each peer sends to s others of its own choice: EL-Local (de Vos et al. 2023). Here with the weights of
 * push-sum: every sender keeps 1/(s+1) and gives as much to each.
 */
export function epidemicLocal(peers: number, fanout: number, seed: string): Topology {
  if (fanout >= peers) {
    throw new TopologyError(
      `epidemic-local: ${peers} peers have at most ${peers - 1} others to send to, not ${fanout}`,
    );
  }
  return {
    id: 'epidemic-local',
    peers,
    period: null,
    stochastic: 'column',
    isSymmetric: false,
    matrix: (round): MixingRow[] => {
      const weight = 1 / (fanout + 1);
      const rows = Array.from({ length: peers }, (_, i) => new Map([[i, weight]]));
      for (let from = 0; from < peers; from++) {
        const rng = rngFor(`${seed}/local/${round}/${from}`);
        for (const pick of rng.sample(peers - 1, fanout))
          rows[pick < from ? pick : pick + 1]!.set(from, weight);
      }
      return rows;
    },
  };
}
