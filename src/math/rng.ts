/** Random numbers from named, independent, seekable streams. Below the drivers there is no other chance. */
import { murmur3x86x128 } from './key-hash.ts';
import { philox4x32 } from './philox.ts';

const WORDS_PER_BLOCK = 4;
const TWO_32 = 2 ** 32;

/**
 * The stream named `key`: the murmur3 x86_128 hash of its UTF-8 bytes (seed 0) gives the Philox key (first two
 * words) and the upper half of its counter (last two); the lower half counts blocks. Two names share a stream
 * only if 128 bits collide. Positions are exact for the first 2^53 words.
 */
export function rngFor(key: string): Rng {
  return new Rng(murmur3x86x128(bytesOf(key)));
}

const scratch = new Uint8Array(256);
const block = new Uint32Array(WORDS_PER_BLOCK);

/** UTF-8 of a key. Short plain ASCII, which nearly all keys are, without a call out of the engine. */
function bytesOf(key: string): Uint8Array {
  if (key.length > scratch.length) return new TextEncoder().encode(key);
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i);
    if (code > 0x7f) return new TextEncoder().encode(key);
    scratch[i] = code;
  }
  return scratch.subarray(0, key.length);
}

/**
 * A stream of 32-bit words by Philox4x32-10. What is made by integer and basic arithmetic (`uint32`, `float`,
 * `uniform`, `int`, `shuffle`, `sample`, `fillUniform`) has the same bits on every engine; `normal`,
 * `exponential`, `gamma` and `dirichlet` use log, exp and cos, whose last bit engines may choose.
 */
export class Rng {
  // Words are kept as signed integers, and one by one: a simulator has a stream for each peer and purpose, and lists would be most of it.
  readonly #key0: number;
  readonly #key1: number;
  readonly #stream0: number;
  readonly #stream1: number;
  #word0 = 0;
  #word1 = 0;
  #word2 = 0;
  #word3 = 0;
  #nextBlock = 0;
  /** Next unread word of the block; WORDS_PER_BLOCK when all are read. */
  #word = WORDS_PER_BLOCK;

  /** @param name key (two words) and stream (two words); `rngFor` makes it from a string. */
  constructor(name: readonly [number, number, number, number]) {
    this.#key0 = name[0] | 0;
    this.#key1 = name[1] | 0;
    this.#stream0 = name[2] | 0;
    this.#stream1 = name[3] | 0;
  }

  /** Number of words drawn since the start of the stream. */
  get position(): number {
    return this.#nextBlock * WORDS_PER_BLOCK - (WORDS_PER_BLOCK - this.#word);
  }

  /** Continues at word `position` (a safe integer >= 0) in constant time. @throws RangeError */
  seek(position: number): void {
    if (!Number.isSafeInteger(position) || position < 0) {
      throw new RangeError(`a stream position is an integer from 0 to 2^53 - 1, not ${position}`);
    }
    const word = position % WORDS_PER_BLOCK;
    this.#nextBlock = (position - word) / WORDS_PER_BLOCK;
    this.#word = WORDS_PER_BLOCK;
    if (word > 0) {
      this.#refill();
      this.#word = word;
    }
  }

  /** An integer from 0 to 2^32 - 1; one word. */
  uint32(): number {
    if (this.#word === WORDS_PER_BLOCK) {
      this.#refill();
    }
    switch (this.#word++) {
      case 0:
        return this.#word0 >>> 0;
      case 1:
        return this.#word1 >>> 0;
      case 2:
        return this.#word2 >>> 0;
      default:
        return this.#word3 >>> 0;
    }
  }

  /** A multiple of 2^-53 in [0, 1); two words. */
  float(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 2 ** 26 + low) * 2 ** -53;
  }

  /** A number in [low, high], `high` by rounding only; two words. */
  uniform(low: number, high: number): number {
    return low + (high - low) * this.float();
  }

  /** An unbiased integer from 0 to n - 1, for n from 1 to 2^32. One word, more when it must be redrawn. @throws RangeError */
  int(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > TWO_32) {
      throw new RangeError(`int(n) needs an integer n from 1 to 2^32, not ${n}`);
    }
    const wordsUsable = TWO_32 - (TWO_32 % n);
    let word = this.uint32();
    while (word >= wordsUsable) {
      word = this.uint32();
    }
    return word % n;
  }

  /** Standard normal by the cosine half of Box and Muller (1958): always four words, so streams stay seekable. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.float()));
    return radius * Math.cos(2 * Math.PI * this.float());
  }

  /** Exponential with mean 1; two words. */
  exponential(): number {
    return -Math.log(1 - this.float());
  }

  /** Orders `items` anew, in place, every order equally likely (Fisher and Yates); returns it. */
  shuffle<T extends unknown[] | Uint32Array | Int32Array | Float32Array | Float64Array>(items: T): T {
    for (let last = items.length - 1; last > 0; last--) {
      const other = this.int(last + 1);
      const moved = items[last];
      items[last] = items[other];
      items[other] = moved;
    }
    return items;
  }

  /** k distinct integers from 0 to n - 1 in random order, every sequence equally likely; O(k). @throws RangeError */
  sample(n: number, k: number): number[] {
    if (!Number.isInteger(k) || k < 0 || k > n) {
      throw new RangeError(`cannot draw ${k} distinct numbers out of ${n}`);
    }
    // The first k swaps of a shuffle of 0..n-1; only the places that were touched are kept.
    const moved = new Map<number, number>();
    const drawn: number[] = [];
    for (let at = 0; at < k; at++) {
      const other = at + this.int(n - at);
      drawn.push(moved.get(other) ?? other);
      moved.set(other, moved.get(at) ?? at);
    }
    return drawn;
  }

  /** Gamma with shape `alpha` > 0 and scale 1; underflows to 0 for very small shapes. @throws RangeError */
  gamma(alpha: number): number {
    return Math.exp(this.#logGamma(alpha));
  }

  /** A point of the simplex in n dimensions by the symmetric Dirichlet distribution; sums to 1. @throws RangeError */
  dirichlet(alpha: number, n: number): number[] {
    const logs = Array.from({ length: n }, () => this.#logGamma(alpha));
    // Relative to the largest, so that small shapes do not underflow all at once.
    const largest = logs.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const weights = logs.map((log) => Math.exp(log - largest));
    const total = weights.reduce((a, b) => a + b, 0);
    return weights.map((weight) => weight / total);
  }

  /**
   * Fills `out` with float32 numbers in [low, high], one word each: fround(low + (high - low) * u) with u a
   * multiple of 2^-24 in [0, 1). One product and one sum in float64, so the same bits on every engine.
   */
  fillUniform(out: Float32Array, low: number, high: number): void {
    const step = (high - low) * 2 ** -24;
    for (let i = 0; i < out.length; i++) {
      out[i] = low + step * (this.uint32() >>> 8);
    }
  }

  /** "A simple method for generating gamma variables" (Marsaglia and Tsang, 2000); the logarithm of one. */
  #logGamma(alpha: number): number {
    if (!(alpha > 0) || alpha === Number.POSITIVE_INFINITY) {
      throw new RangeError(`the shape of a gamma distribution is a positive number, not ${alpha}`);
    }
    if (alpha < 1) {
      return this.#logGamma(alpha + 1) + Math.log(1 - this.float()) / alpha;
    }
    const d = alpha - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const root = 1 + c * x;
      const v = root * root * root;
      const logU = Math.log(1 - this.float());
      if (v > 0 && logU < 0.5 * x * x + d * (1 - v + Math.log(v))) {
        return Math.log(d * v);
      }
    }
  }

  #refill(): void {
    const high = Math.floor(this.#nextBlock / TWO_32);
    philox4x32(this.#nextBlock, high, this.#stream0, this.#stream1, this.#key0, this.#key1, block);
    this.#word0 = block[0]! | 0;
    this.#word1 = block[1]! | 0;
    this.#word2 = block[2]! | 0;
    this.#word3 = block[3]! | 0;
    this.#nextBlock++;
    this.#word = 0;
  }
}
