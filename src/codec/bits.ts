/** Bits in bytes, the first in the highest place, for codes that need no speed. */
import { CodecError } from './delta-codec.ts';

export class BitWriter {
  readonly #bytes: number[] = [];
  #used = 8;

  bit(value: number): void {
    if (this.#used === 8) {
      this.#bytes.push(0);
      this.#used = 0;
    }
    this.#bytes[this.#bytes.length - 1]! |= (value & 1) << (7 - this.#used++);
  }

  /** The lowest `count` bits (at most 32) of a number, the highest of them first. */
  bits(value: number, count: number): void {
    for (let i = count - 1; i >= 0; i--) this.bit((value >>> i) & 1);
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

export class BitReader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = bytes;
    this.#at = 8 * offset;
  }

  /** @throws CodecError past the end */
  bit(): number {
    const byte = this.#bytes[this.#at >> 3];
    if (byte === undefined) throw new CodecError('the body ends in the middle of a code');
    return (byte >> (7 - (this.#at++ & 7))) & 1;
  }

  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) value = value * 2 + this.bit();
    return value;
  }

  /** @throws CodecError unless all that is left is less than a byte of zeros */
  end(): void {
    if ((this.#at + 7) >> 3 !== this.#bytes.length) throw new CodecError('the body is longer than its codes');
    while (this.#at & 7) if (this.bit() !== 0) throw new CodecError('the padding of the body is not zero');
  }
}
