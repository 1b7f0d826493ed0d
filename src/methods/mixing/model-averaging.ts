import { sumOf, type Vector } from '../../math/vector.ts';
import type { Aggregator } from '../aggregators/aggregator.ts';
import { handsOutState, hasForm, type MixingPeer, parcel, toAll, weighed } from './mixing-peer.ts';

/**
 * Trains, sends the trained model and averages it with those that came. `epidemic`: to random peers (de Vos et al. 2023, "Epidemic
 * Learning"). `moshpit`: in groups along the axes of a grid (Ryabinin et al. 2021, "Moshpit SGD"). They differ in the topology
 * and in the weights: epidemic averages what came, whoever sent it; moshpit takes the mean of its group.
 */
export function modelAveraging(initial: Vector, aggregator: Aggregator): MixingPeer {
  let model: Vector = initial.slice();
  let trained: Vector | null = null;
  const peer: MixingPeer = {
    sends: 'after-training',
    get model() {
      return trained ?? model;
    },
    pack(_round, hood, update) {
      trained = update ? sumOf(trained ?? model, update) : (trained ?? model);
      return toAll(hood, parcel([trained]));
    },
    mix(round, hood, update, received) {
      const own = trained ?? (update ? sumOf(model, update) : model);
      trained = null;
      // Of those who came: an absent one's weight would keep what is left apart.
      const { parcels } = weighed(hood, received);
      const weights = parcels.map(() => 1 / (parcels.length + 1));
      model = aggregator.aggregate({
        own,
        others: parcels.map(({ vectors }) => vectors[0]!),
        weights,
        round,
      });
    },
    accepts: (one) => hasForm(one, 1, initial.length),
    state: () => parcel([trained ?? model]),
    restore: ({ vectors }) => {
      model = vectors[0]!.slice();
    },
    ...handsOutState(initial.length, 1, () => peer),
  };
  return peer;
}
