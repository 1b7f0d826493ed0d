import { sumOf, type Vector } from '../../math/vector.ts';
import { hasForm, type MixingPeer, noBody, type Packed, type Parcel } from '../mixing/mixing-peer.ts';
import { TokenAccounts } from './token-accounts.ts';

export interface GossipLearningOptions {
  /** Parts that the model is cut into; each travels alone. */
  readonly partitions: number;
  /** Randomised token account: tokens from which on a peer may send of its own accord (A), and most that it keeps (C). */
  readonly tokensMin: number;
  readonly tokensMax: number;
}

/**
 * Gossip learning with a partitioned model and token accounts (Hegedus, Danner, Jelasity 2021, "Decentralized learning works";
 * Danner, Jelasity 2018, "Token account algorithms"). A part that arrives is merged by age, x <- (t x + t_r x_r) / (t + t_r),
 * t <- max(t, t_r), and may set off another; local training adds its steps to every age. How often parts are sent is the business
 * of their accounts.
 */
export function gossipLearning(
  initial: Vector,
  { partitions, tokensMin, tokensMax }: GossipLearningOptions,
  random: () => number,
): MixingPeer {
  let model: Vector = initial.slice();
  const cuts = Array.from({ length: partitions + 1 }, (_, s) =>
    Math.floor((s * initial.length) / partitions),
  );
  const ages = new Float64Array(partitions);
  const accounts = new TokenAccounts(partitions, tokensMin, tokensMax, random);

  const part = (s: number, to: number): Packed => ({
    to,
    parcel: { numbers: [s, ages[s]!], vectors: [model.slice(cuts[s], cuts[s + 1])], body: noBody },
  });
  const merge = (s: number, age: number, vector: Vector) => {
    const own = ages[s]!;
    const part = own + age > 0 ? age / (own + age) : 0.5;
    const start = cuts[s]!;
    const merged = model.slice();
    for (let i = 0; i < vector.length; i++) {
      merged[start + i] = (1 - part) * model[start + i]! + part * vector[i]!;
    }
    model = merged;
    ages[s] = Math.max(own, age);
  };

  const peer: MixingPeer = {
    sends: 'after-training',
    get model() {
      return model;
    },
    pack(_round, hood, update) {
      if (update) {
        model = sumOf(model, update);
        for (let s = 0; s < partitions; s++) ages[s]!++;
      }
      const others = [...hood.to.keys()];
      if (others.length === 0) return [];
      const packed: Packed[] = [];
      for (let s = 0; s < partitions; s++) {
        for (let left = accounts.spend(s); left > 0; left--) {
          packed.push(part(s, others[Math.floor(random() * others.length)]!));
        }
      }
      return packed;
    },
    mix(_round, _hood, _update, received) {
      for (const { parcel: one } of received) {
        const [s, age] = one.numbers as [number, number];
        const isUseful = age >= ages[s]!;
        merge(s, age, one.vectors[0]!);
        if (isUseful) accounts.react(s);
      }
    },
    accepts: (one) => isPart(one, cuts),
    state: () => ({ numbers: [...ages, ...accounts.tokens], vectors: [model], body: noBody }),
    restore({ numbers, vectors }) {
      model = vectors[0]!.slice();
      ages.set(numbers.slice(0, partitions));
      accounts.tokens.set(numbers.slice(partitions, 2 * partitions));
    },
    handout: () => peer.state(),
    takeHandout: (_from, one) => {
      if (hasForm(one, 1, initial.length, 2 * partitions)) peer.restore(one);
    },
  };
  return peer;
}

/** One part of a model cut at these places, and its age. */
function isPart({ numbers, vectors, body }: Parcel, cuts: readonly number[]): boolean {
  const [s, age] = numbers;
  if (numbers.length !== 2 || vectors.length !== 1 || body.length > 0) return false;
  if (!(Number.isInteger(s) && s! >= 0 && s! < cuts.length - 1 && age! >= 0 && age! <= 2 ** 31)) return false;
  return vectors[0]!.length === cuts[s! + 1]! - cuts[s!]!;
}
