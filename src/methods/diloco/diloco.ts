import { addScaled, type Vector } from '../../math/vector.ts';
import type { Aggregator } from '../aggregators/aggregator.ts';
import { type MixingPeer, type Packed, parcel, type Received } from '../mixing/mixing-peer.ts';
import type { DeltaParcels } from './delta-parcels.ts';

/**
 * DiLoCo (Douillard et al. 2023): delta = start minus end of a round of many local steps, averaged over all, and a step of
 * Nesterov's method with it: m = mu m + delta, x -= a (delta + mu m). It supposes that everybody hears the same, so parcels
 * name the model that they are deltas of: who finds itself apart from the majority asks one of them for its state.
 */
export function diloco(
  initial: Vector,
  options: {
    readonly outerRate: number;
    readonly momentum: number;
    readonly aggregator: Aggregator;
    readonly deltas: DeltaParcels;
  },
): MixingPeer {
  const { outerRate, momentum, aggregator, deltas } = options;
  const size = initial.length;
  const model = initial.slice();
  const velocity = initial.map(() => 0);
  let leader: number | null = null;
  /** What left in this round, as the others read it. */
  let own: Vector | null = null;

  return {
    sends: 'after-training',
    get model() {
      return model.slice();
    },
    pack(_round, hood, update): Packed[] {
      if (!update) return [];
      const content = deltas.write(update.map((value) => -value));
      own = deltas.read(content);
      const sent = { numbers: [fingerprint(model)], ...content };
      return [...hood.to.keys()].map((to) => ({ to, parcel: sent }));
    },
    mix(round, hood, _update, received) {
      leader = leaderOf(fingerprint(model), received);
      const newest = new Map(received.map(({ from, parcel: one }) => [from, deltas.read(one)]));
      if (own) newest.set(hood.self, own);
      own = null;
      // In one order everywhere, or sums would differ in their last bits.
      const [first, ...others] = [...newest].sort(([a], [b]) => a - b).map(([, delta]) => delta);
      if (!first) return;
      const weights = others.map(() => 1 / newest.size);
      const delta = aggregator.aggregate({ own: first, others, weights, round });
      for (let i = 0; i < size; i++) velocity[i] = momentum * velocity[i]! + delta[i]!;
      addScaled(model, -outerRate, delta);
      addScaled(model, -outerRate * momentum, velocity);
    },
    accepts: (one) => one.numbers.length === 1 && deltas.accepts(one),
    wants: () => (leader === null ? [] : [leader]),
    handout: () => parcel([model.slice(), velocity.slice()]),
    takeHandout(_from, { vectors: [theirModel, theirVelocity] }) {
      leader = null;
      if (theirModel?.length !== size || theirVelocity?.length !== size) return;
      model.set(theirModel);
      velocity.set(theirVelocity);
    },
    state: () => parcel([model, velocity, ...(deltas.residual ? [Float32Array.from(deltas.residual)] : [])]),
    restore: ({ vectors }) => {
      model.set(vectors[0]!);
      velocity.set(vectors[1]!);
      deltas.residual?.set(vectors[2]!);
    },
  };
}

/** Somebody of those whose model more peers hold than hold ours; null where ours is as common. */
function leaderOf(own: number, received: readonly Received[]): number | null {
  const holders = new Map<number, number[]>([[own, []]]);
  for (const { from, parcel: one } of received) {
    const print = one.numbers[0]!;
    const others = holders.get(print);
    if (others) others.push(from);
    else holders.set(print, [from]);
  }
  const most = [...holders].sort(([a, x], [b, y]) => y.length - x.length || a - b)[0]!;
  return most[0] !== own && most[1].length > holders.get(own)!.length + 1 ? most[1][0]! : null;
}

/** FNV-1a over the words: equal models have equal ones; nothing secret hangs on it. */
function fingerprint(vector: Vector): number {
  const words = new Uint32Array(vector.buffer, vector.byteOffset, vector.byteLength / 4);
  let hash = 0x811c9dc5;
  for (const word of words) hash = Math.imul(hash ^ word, 0x01000193) >>> 0;
  return hash;
}
