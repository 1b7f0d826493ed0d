import { addScaled, sumOf, type Vector } from '../../math/vector.ts';
import type { Aggregator } from '../aggregators/aggregator.ts';
import { handsOutState, hasForm, type MixingPeer, parcel, toAll, weighed } from '../mixing/mixing-peer.ts';

/**
 * NoLoCo (Kolehmainen et al. 2025, "NoLoCo: No-all-reduce Low Communication Training"): small groups drawn anew each round, mostly
 * pairs. With x' the model after local training and x before it,
 * m = mu m + a mean over the group of (x' - x) + gamma (mean over the group of x - x), x += m.
 */
export function noloco(
  initial: Vector,
  options: {
    readonly outerRate: number;
    readonly momentum: number;
    readonly consensusRate: number;
    readonly aggregator: Aggregator;
  },
): MixingPeer {
  const { outerRate, momentum, consensusRate, aggregator } = options;
  let model: Vector = initial.slice();
  const velocity = initial.map(() => 0);
  const peer: MixingPeer = {
    sends: 'after-training',
    get model() {
      return model;
    },
    pack: (_round, hood, update) => toAll(hood, parcel([model, update ?? model.map(() => 0)])),
    mix(round, hood, update, received) {
      const { parcels } = weighed(hood, received);
      const weights = parcels.map(() => 1 / (parcels.length + 1));
      const meanOf = (which: 0 | 1, own: Vector) =>
        aggregator.aggregate({ own, others: parcels.map(({ vectors }) => vectors[which]!), weights, round });
      const start = meanOf(0, model);
      const change = meanOf(1, update ?? model.map(() => 0));
      for (let i = 0; i < velocity.length; i++) velocity[i] = momentum * velocity[i]!;
      addScaled(velocity, outerRate, change);
      addScaled(velocity, consensusRate, start);
      addScaled(velocity, -consensusRate, model);
      model = sumOf(model, velocity);
    },
    accepts: (one) => hasForm(one, 2, initial.length),
    state: () => parcel([model, velocity]),
    restore: ({ vectors }) => {
      model = vectors[0]!.slice();
      velocity.set(vectors[1]!);
    },
    ...handsOutState(initial.length, 2, () => peer),
  };
  return peer;
}
