import { addScaled, type Vector } from '../../math/vector.ts';
import { type Hood, handsOutState, hasForm, type MixingPeer, parcel } from '../mixing/mixing-peer.ts';

/**
 * AD-PSGD (Lian et al. 2018, "Asynchronous Decentralized Parallel SGD"): after a round of training a peer and one neighbour of its
 * choice both take the mean of their models, whatever the neighbour is doing; its gradient is then of a stale model. The
 * asked one adds half the difference and answers with it, the asking one subtracts that: their sum stays, however busy the
 * two were in between. An answer that is lost costs as much of it.
 */
export function adPsgd(initial: Vector, random: () => number): MixingPeer {
  const model = initial.slice();
  const peer: MixingPeer = {
    sends: 'after-training',
    get model() {
      return model.slice();
    },
    pack(_round, hood: Hood, update) {
      if (update) addScaled(model, 1, update);
      const others = [...hood.to.keys()];
      if (others.length === 0) return [];
      return [{ to: others[Math.floor(random() * others.length)]!, parcel: parcel([model.slice()]) }];
    },
    mix(_round, _hood, _update, _received) {},
    accepts: (one) => hasForm(one, 1, initial.length),
    answer(_from, { vectors }) {
      const half = vectors[0]!.map((value, i) => (value - model[i]!) / 2);
      addScaled(model, 1, half);
      return parcel([half]);
    },
    answered(_to, _sent, answer) {
      if (answer && hasForm(answer, 1, initial.length)) addScaled(model, -1, answer.vectors[0]!);
    },
    state: () => parcel([model]),
    restore: ({ vectors }) => {
      model.set(vectors[0]!);
    },
    ...handsOutState(initial.length, 1, () => peer),
  };
  return peer;
}
