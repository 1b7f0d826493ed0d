/** A stream of bits in bytes, the most significant bit of each byte first. */
import { CodecError } from '../../../src/codec/delta-codec.ts';

/** Appends bits to a buffer that the caller made large enough; writing past its end is lost (and a bug). */
export class BitWriter {
  readonly #bytes: Uint8Array;
  #at: number;
  /** The last `#pendingBits` (< 8) bits written, not yet in `#bytes`; above them there may be old bits. */
  #pending = 0;
  #pendingBits = 0;

  constructor(bytes: Uint8Array, offset: number) {
    this.#bytes = bytes;
    this.#at = offset;
  }

  /** The low `bits` bits of `value`, highest first; bits from 0 to 24, value < 2^bits. */
  write(value: number, bits: number): void {
    this.#pending = (this.#pending << bits) | value;
    this.#pendingBits += bits;
    while (this.#pendingBits >= 8) {
      this.#pendingBits -= 8;
      this.#bytes[this.#at++] = this.#pending >>> this.#pendingBits;
    }
  }

  /** `count` zero bits. */
  writeZeros(count: number): void {
    let left = count;
    for (; left > 24; left -= 24) {
      this.write(0, 24);
    }
    this.write(0, left);
  }

  /** Fills the last byte with zero bits; returns the offset after it. */
  finish(): number {
    if (this.#pendingBits > 0) {
      this.write(0, 8 - this.#pendingBits);
    }
    return this.#at;
  }
}

/** Reads what a BitWriter wrote. Never reads past the end. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #at: number;
  /** The next `#readyBits` unread bits, left-aligned; the bits after them are zero. */
  #ready = 0;
  #readyBits = 0;

  constructor(bytes: Uint8Array, offset: number) {
    this.#bytes = bytes;
    this.#at = offset;
  }

  /** The next `bits` bits as a number; bits from 0 to 24. @throws CodecError past the end */
  read(bits: number): number {
    if (bits === 0) {
      return 0;
    }
    this.#refill();
    if (bits > this.#readyBits) {
      throw new CodecError('the body ends within its bit stream');
    }
    const value = this.#ready >>> (32 - bits);
    this.#ready <<= bits;
    this.#readyBits -= bits;
    return value;
  }

  /** Counts zero bits up to the next one bit, which is read too. @throws CodecError for more than `zerosMax` */
  readZeros(zerosMax: number): number {
    let zeros = 0;
    this.#refill();
    // No one bit is ready: the stream's bytes run out before this loop could run for long.
    while (this.#ready === 0) {
      zeros += this.#readyBits;
      this.#readyBits = 0;
      if (zeros > zerosMax || this.#at >= this.#bytes.length) {
        throw new CodecError('a gap leaves its chunk or the body ends within it');
      }
      this.#refill();
    }
    const more = Math.clz32(this.#ready);
    zeros += more;
    if (zeros > zerosMax) {
      throw new CodecError('a gap leaves its chunk');
    }
    // In two steps: a shift by 32 would be a shift by 0.
    this.#ready = (this.#ready << more) << 1;
    this.#readyBits -= more + 1;
    return zeros;
  }

  /** Checks that nothing is left but fewer than eight zero bits. @throws CodecError */
  finish(): void {
    this.#refill();
    if (this.#readyBits >= 8) {
      throw new CodecError('the body is longer than its bit stream');
    }
    if (this.#ready !== 0) {
      throw new CodecError('the padding after the bit stream is not zero');
    }
  }

  /** Makes at least 25 bits ready, or all that are left. */
  #refill(): void {
    while (this.#readyBits <= 24 && this.#at < this.#bytes.length) {
      this.#ready |= this.#bytes[this.#at++]! << (24 - this.#readyBits);
      this.#readyBits += 8;
    }
  }
}
