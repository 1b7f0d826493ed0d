/** Random numbers that nobody can foresee or search for: a seed of 32 bits, as many libraries take, could be tried out. */
import { createCipheriv, createHash, randomFillSync } from 'node:crypto';
import type { RandomWords } from '../../math/normal-noise.ts';

export class SecretStream implements RandomWords {
  /** Overwrites all words with new ones. */
  readonly fill: (words: Uint32Array) => void;
  readonly #words = new Uint32Array(1024);
  #next = this.#words.length;

  private constructor(fill: (words: Uint32Array) => void) {
    this.fill = fill;
  }

  /** From the cryptographic generator of the system's library. Nobody can have the same twice, not even an auditor. */
  static secret(): SecretStream {
    return new SecretStream((words) => randomFillSync(words));
  }

  /** The same for the same name, by ChaCha20 (RFC 8439): for simulations, which must repeat themselves. It protects nobody. */
  static named(name: string): SecretStream {
    const key = createHash('sha256').update(`starlings/dp-sgd/${name}`).digest();
    // Counter and nonce are zero: a key is used for one stream.
    const cipher = createCipheriv('chacha20', key, new Uint8Array(16));
    return new SecretStream((words) => {
      const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
      bytes.set(cipher.update(new Uint8Array(bytes.length)));
    });
  }

  /** From 0 to 2^32 - 1. */
  uint32(): number {
    if (this.#next === this.#words.length) {
      this.fill(this.#words);
      this.#next = 0;
    }
    return this.#words[this.#next++]!;
  }
}
