/** Rice codes of ascending indices with their signs, as one stream of bits over many chunks. */
import { vectorMemory } from './vector-memory.ts';

/** One chunk: indices lie in [start, end), their gaps are coded with `riceBits` bits of remainder. */
export interface RiceChunk {
  readonly start: number;
  readonly end: number;
  readonly riceBits: number;
}

/** Writes chunk after chunk into `bytes`, from byte `offset` on. */
export class RiceWriter {
  private readonly bytes: Uint8Array;
  private offset: number;
  private waiting = 0;
  private pending = 0;

  constructor(bytes: Uint8Array, offset: number) {
    this.bytes = bytes;
    this.offset = offset;
  }

  /** @throws RangeError for indices out of order or outside the chunk */
  write(indices: Uint32Array, signs: Int8Array, { start, end, riceBits }: RiceChunk): void {
    const memory = vectorMemory();
    const { kernels, packed, coder } = memory;
    const state = coder.view;
    memory.indices.view.set(indices);
    memory.signs.view.set(signs);
    // Address, number of waiting bits, and those bits as the low half of a uint64.
    state[0] = packed.address;
    state[1] = this.waiting;
    state[2] = this.pending;
    state[3] = 0;
    const wrong = kernels.riceEncode(
      coder.address,
      memory.indices.address,
      memory.signs.address,
      indices.length,
      start,
      end,
      riceBits,
    );
    if (wrong >= 0) {
      throw new RangeError(`index ${indices[wrong]} is out of order or outside its chunk`);
    }
    const written = state[0]! - packed.address;
    this.waiting = state[1]!;
    this.pending = state[2]! & 0xff;
    this.bytes.set(packed.view.subarray(0, written), this.offset);
    this.offset += written;
  }

  /** Pads the last byte with zero bits. Returns the end of what was written. */
  finish(): number {
    if (this.waiting > 0) this.bytes[this.offset++] = (this.pending << (8 - this.waiting)) & 0xff;
    this.waiting = 0;
    return this.offset;
  }
}

/** What is wrong with a stream that cannot be read. */
export type RiceFault = 'a gap leaves its chunk' | 'the stream ends within a chunk';

/** Reads chunk after chunk of `bytes`, from byte `offset` on. */
export class RiceReader {
  private readonly bytes: Uint8Array;
  /** In bits. */
  private position: number;

  constructor(bytes: Uint8Array, offset: number) {
    this.bytes = bytes;
    this.position = 8 * offset;
  }

  /** Reads as many indices and signs as both arrays have room for; null where all went well. `bitsMax`: of the longest code. */
  read(
    indices: Uint32Array,
    signs: Int8Array,
    { start, end, riceBits }: RiceChunk,
    bitsMax: number,
  ): RiceFault | null {
    const memory = vectorMemory();
    const { kernels, packed, coder } = memory;
    const first = Math.floor(this.position / 8);
    const window = this.bytes.subarray(first, first + Math.ceil(bitsMax / 8) + 1);
    packed.view.set(window);
    const state = coder.view;
    state[0] = this.position - 8 * first;
    const fault = kernels.riceDecode(
      coder.address,
      packed.address,
      8 * window.length,
      memory.indices.address,
      memory.signs.address,
      indices.length,
      start,
      end,
      riceBits,
    );
    if (fault !== 0) return fault === 1 ? 'a gap leaves its chunk' : 'the stream ends within a chunk';
    indices.set(memory.indices.view.subarray(0, indices.length));
    signs.set(memory.signs.view.subarray(0, signs.length));
    this.position = 8 * first + state[0]!;
    return null;
  }

  /** Whether nothing is left but fewer than eight zero bits. */
  isAtEnd(): boolean {
    const left = 8 * this.bytes.length - this.position;
    if (left === 0) return true;
    return left > 0 && left < 8 && (this.bytes.at(-1)! & ((1 << left) - 1)) === 0;
  }
}
