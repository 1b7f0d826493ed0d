import type { Compressor } from '../../codec/compressor.ts';
import { addScaled, difference, sumOf, type Vector } from '../../math/vector.ts';
import { type MixingPeer, noBody, type Parcel } from '../mixing/mixing-peer.ts';

/**
 * CHOCO-SGD (Koloskova, Stich, Jaggi 2019, "Decentralized Stochastic Optimization and Gossip Algorithms with Compressed
 * Communication"): everybody keeps a public copy xhat of itself and of each neighbour, which only compressed differences change:
 * q = Q(x - xhat), xhat += q, x += gamma sum over j of W_ij (xhat_j - xhat_i). Converges for gamma small enough against the
 * compressor and the spectral gap. A difference that was missed is noticed by its number, and the copy asked for whole.
 */
export function choco(
  initial: Vector,
  options: { readonly gamma: number; readonly compressor: Compressor; readonly random: () => number },
): MixingPeer {
  const { gamma, compressor, random } = options;
  let model: Vector = initial.slice();
  let trained: Vector | null = null;
  // All start from the same vector, so everyone's copy is there from the first round.
  let sent = 0;
  const publicCopy = initial.slice();
  const copies = new Map<number, { copy: Vector; heard: number; isBehind: boolean }>();
  const copyOf = (peer: number) => {
    let known = copies.get(peer);
    if (!known) {
      known = { copy: initial.slice(), heard: 0, isBehind: false };
      copies.set(peer, known);
    }
    return known;
  };

  return {
    sends: 'after-training',
    get model() {
      return trained ?? model;
    },
    pack(_round, hood, update) {
      trained = update ? sumOf(trained ?? model, update) : (trained ?? model);
      const gap = Float32Array.from(difference(trained, publicCopy));
      const body = compressor.compress(gap, random);
      addScaled(publicCopy, 1, compressor.decompress(body));
      sent++;
      const content: Parcel = { numbers: [sent], vectors: [], body };
      return [...hood.to.keys()].map((to) => ({ to, parcel: content }));
    },
    mix(_round, hood, update, received) {
      const half = trained ?? (update ? sumOf(model, update) : model);
      trained = null;
      for (const { from, parcel: one } of received) {
        const known = copyOf(from);
        const number = one.numbers[0]!;
        if (number <= known.heard) continue;
        if (number > known.heard + 1) known.isBehind = true;
        else {
          addScaled(known.copy, 1, compressor.decompress(one.body));
          known.heard = number;
        }
      }
      const next = half.slice();
      for (const [from, weight] of hood.from ?? []) {
        const { copy, isBehind } = copyOf(from);
        if (isBehind) continue;
        addScaled(next, gamma * weight, copy);
        addScaled(next, -gamma * weight, publicCopy);
      }
      model = next;
    },
    accepts: ({ numbers, vectors, body }) =>
      numbers.length === 1 &&
      Number.isInteger(numbers[0]) &&
      vectors.length === 0 &&
      compressor.isValid(body),
    wants: () => [...copies].flatMap(([peer, { isBehind }]) => (isBehind ? [peer] : [])),
    share: () => ({ numbers: [sent], vectors: [publicCopy], body: noBody }),
    takeShare(from, { numbers, vectors }) {
      const [number] = numbers;
      const [vector] = vectors;
      if (number === undefined || vector?.length !== initial.length) return;
      copies.set(from, { copy: vector.slice(), heard: number, isBehind: false });
    },
    state: () => ({
      numbers: [sent, ...[...copies].flatMap(([peer, { heard }]) => [peer, heard])],
      vectors: [trained ?? model, publicCopy, ...[...copies.values()].map(({ copy }) => copy)],
      body: noBody,
    }),
    restore({ numbers, vectors }) {
      model = vectors[0]!.slice();
      publicCopy.set(vectors[1]!);
      sent = numbers[0]!;
      for (let k = 2; k < vectors.length; k++) {
        const heard = numbers[2 * k - 2]!;
        copies.set(numbers[2 * k - 3]!, { copy: vectors[k]!.slice(), heard, isBehind: false });
      }
    },
  };
}
