/**
 * Which coordinates the vectors of an epoch have: all members send the same, or there would be no sum. Over a cycle of epochs each comes
 * once, in an order drawn anew for every cycle.
 */
import type { Crypto } from '../../core/crypto.ts';
import { forgetOldest } from '../../core/forget-oldest.ts';
import { labelOf, type SecureSumRules, widthOf } from './rules.ts';

/** Numbers of a stream that are drawn at once. */
const drawnAtOnce = 1 << 14;

export class Coordinates {
  readonly #rules: SecureSumRules;
  readonly #crypto: Crypto;
  readonly #size: number;
  /** Those of the last cycles that were asked for: epochs of two overlap. */
  readonly #orders = new Map<number, Uint32Array>();

  constructor(rules: SecureSumRules, crypto: Crypto, size: number) {
    this.#rules = rules;
    this.#crypto = crypto;
    this.#size = size;
  }

  /** In the order in which they stand in the vector, which may go on with zeros. Not to be modified. */
  of(epoch: number): Uint32Array {
    const { cycle } = this.#rules;
    const width = widthOf(this.#size, this.#rules);
    const order = this.#orderOf(Math.floor(epoch / cycle));
    return order.subarray((epoch % cycle) * width, (epoch % cycle) * width + width);
  }

  #orderOf(number: number): Uint32Array {
    const known = this.#orders.get(number);
    if (known) return known;
    const label = labelOf('coordinates', this.#rules.runId, number);
    const order = permutation(this.#size, this.#crypto, this.#crypto.sha256(label));
    this.#orders.set(number, order);
    forgetOldest(this.#orders, 2);
    return order;
  }
}

/** Fisher and Yates with numbers of 32 bits, those thrown away that would make some places likelier than others. */
function permutation(size: number, crypto: Crypto, key: Uint8Array): Uint32Array {
  const order = Uint32Array.from({ length: size }, (_, index) => index);
  const draw = drawsFrom(crypto, key);
  for (let left = size; left > 1; left--) {
    const chosen = draw(left);
    [order[left - 1], order[chosen]] = [order[chosen]!, order[left - 1]!];
  }
  return order;
}

function drawsFrom(crypto: Crypto, key: Uint8Array): (below: number) => number {
  let view: DataView = new DataView(new ArrayBuffer(0));
  let [at, block] = [0, 0];
  return (below) => {
    const limit = 2 ** 32 - (2 ** 32 % below);
    for (;;) {
      if (at === view.byteLength) {
        const next = crypto.hkdf(key, labelOf('block', String(block++)));
        view = new DataView(crypto.chacha20(next, 4 * drawnAtOnce).buffer);
        at = 0;
      }
      const number = view.getUint32(at, true);
      at += 4;
      if (number < limit) return number % below;
    }
  };
}
