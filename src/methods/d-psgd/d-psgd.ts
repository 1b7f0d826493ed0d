import { sumOf, type Vector } from '../../math/vector.ts';
import type { Aggregator } from '../aggregators/aggregator.ts';
import {
  type Hood,
  handsOutState,
  hasForm,
  type MixingPeer,
  parcel,
  toAll,
  weighed,
} from '../mixing/mixing-peer.ts';

/**
 * D-PSGD (Lian et al. 2017, "Can Decentralized Algorithms Outperform Centralized Algorithms?"): X <- X W - lr G. Neighbours get
 * the model that the round starts from, while it trains. The weight of a neighbour that did not come stays at home.
 */
export function dPsgd(initial: Vector, aggregator: Aggregator): MixingPeer {
  let model: Vector = initial.slice();
  const peer: MixingPeer = {
    sends: 'before-training',
    get model() {
      return model;
    },
    pack: (_round, hood) => toAll(hood, parcel([model])),
    mix(round, hood: Hood, update, received) {
      const { parcels, weights } = weighed(hood, received);
      const others = parcels.map(({ vectors }) => vectors[0]!);
      const mixed = aggregator.aggregate({ own: model, others, weights, round });
      model = update ? sumOf(mixed, update) : mixed.slice();
    },
    accepts: (one) => hasForm(one, 1, initial.length),
    state: () => parcel([model]),
    restore: ({ vectors }) => {
      model = vectors[0]!.slice();
    },
    ...handsOutState(initial.length, 1, () => peer),
  };
  return peer;
}
