import type { Compressor } from '../../codec/compressor.ts';
import { addScaled, difference, sumOf, type Vector } from '../../math/vector.ts';
import { type MixingPeer, noBody, type Parcel } from '../mixing/mixing-peer.ts';
import { PublicCopies } from './public-copies.ts';

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
  let sent = 0;
  const publicCopy = initial.slice();
  const copies = new PublicCopies(initial);

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
        copies.add(from, one.numbers[0]!, () => compressor.decompress(one.body));
      }
      const next = half.slice();
      for (const [from, weight] of hood.from ?? []) {
        const copy = copies.of(from);
        if (!copy) continue;
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
    wants: () => copies.behind,
    handout: () => ({ numbers: [sent], vectors: [publicCopy], body: noBody }),
    takeHandout(from, { numbers, vectors }) {
      const [number] = numbers;
      const [vector] = vectors;
      if (number === undefined || vector?.length !== initial.length) return;
      copies.replace(from, vector, number);
    },
    state() {
      const others = copies.state();
      return {
        numbers: [sent, ...others.numbers],
        vectors: [trained ?? model, publicCopy, ...others.vectors],
        body: noBody,
      };
    },
    restore({ numbers: [count, ...numbers], vectors: [own, ownCopy, ...vectors] }) {
      model = own!.slice();
      publicCopy.set(ownCopy!);
      sent = count!;
      copies.restore({ numbers, vectors });
    },
  };
}
