/**
 * Few bits for each number and one float32 scale for each block, with error feedback: what a code does not say stays in the
 * vector, to be sent another time (Seide et al., "1-bit stochastic gradient descent", 2014; Karimireddy et al., "Error
 * feedback fixes SignSGD", 2019).
 */
import { blockMax, type VectorMemory, vectorMemory } from './vector-memory.ts';

/**
 * sign: one bit, scale = mean magnitude. two-bit: four levels at the places of a quantiser for normal numbers (Max,
 * "Quantizing for minimum distortion", 1960), scale = root of the mean square. int4 and int8: even steps, scale = largest
 * magnitude / 7 or 127, rounded half to even.
 */
export type QuantiseScheme = 'sign' | 'two-bit' | 'int4' | 'int8';

export interface Quantised {
  readonly scheme: QuantiseScheme;
  readonly length: number;
  /** Numbers of a block; the last may be shorter. */
  readonly block: number;
  /** One for each block. */
  readonly scales: Float32Array;
  /** Codes, block after block, each from a new byte on; the first of a byte in its lowest bits. */
  readonly packed: Uint8Array;
}

/** Of a normal distribution of deviation 1: where small ends and large begins, and what stands for each. */
export const twoBitLevels = { threshold: 0.9816, small: 0.4528, large: 1.51 } as const;

export const bitsPerCode: Readonly<Record<QuantiseScheme, number>> = {
  sign: 1,
  'two-bit': 2,
  int4: 4,
  int8: 8,
};

/** Bytes of the packed codes of one block of `count` numbers. */
function blockBytes(scheme: QuantiseScheme, count: number): number {
  return Math.ceil((count * bitsPerCode[scheme]) / 8);
}

/** Bytes of the packed codes of `length` numbers in blocks of `block`. */
export function packedBytes(scheme: QuantiseScheme, length: number, block: number): number {
  return Math.floor(length / block) * blockBytes(scheme, block) + blockBytes(scheme, length % block);
}

/**
 * Quantises `vector` and leaves in it the error: what it was minus what the codes stand for. @throws RangeError for a block
 * of no or more than blockMax numbers, or for a block whose scale is not finite; the vector is then partly changed
 */
export function quantise(vector: Float32Array, scheme: QuantiseScheme, block: number): Quantised {
  checkBlock(block);
  const { length } = vector;
  const scales = new Float32Array(Math.ceil(length / block));
  const packed = new Uint8Array(packedBytes(scheme, length, block));
  const memory = vectorMemory();
  const { view, address } = memory.blocks[0];
  let at = 0;
  for (let index = 0; index < scales.length; index++) {
    const target = vector.subarray(index * block, (index + 1) * block);
    const count = target.length;
    view.set(target);
    const scale = codesOf(memory, scheme, count);
    if (!Number.isFinite(scale)) {
      throw new RangeError(`block ${index} has a number that is not finite or too large`);
    }
    scales[index] = scale;
    const bytes = blockBytes(scheme, count);
    packed.set(pack(memory, scheme, count).subarray(0, bytes), at);
    at += bytes;
    addCodes(memory, scheme, address, count, -scale);
    target.set(view.subarray(0, count));
  }
  return { scheme, length, block, scales, packed };
}

/** vector += factor * what was quantised. @throws RangeError where the lengths do not agree */
export function addQuantised(vector: Float32Array, quantised: Quantised, factor = 1): void {
  const { scheme, length, block, scales, packed } = quantised;
  checkBlock(block);
  if (vector.length !== length || packed.length !== packedBytes(scheme, length, block)) {
    throw new RangeError(`${length} quantised numbers do not fit a vector of ${vector.length}`);
  }
  const memory = vectorMemory();
  const { view, address } = memory.blocks[0];
  let at = 0;
  for (const [index, scale] of scales.entries()) {
    const target = vector.subarray(index * block, (index + 1) * block);
    const count = target.length;
    const bytes = blockBytes(scheme, count);
    view.set(target);
    unpack(memory, scheme, packed.subarray(at, at + bytes), count);
    at += bytes;
    addCodes(memory, scheme, address, count, Math.fround(scale * factor));
    target.set(view.subarray(0, count));
  }
}

function checkBlock(block: number): void {
  if (!Number.isInteger(block) || block < 1 || block > blockMax) {
    throw new RangeError(`a block has 1 to ${blockMax} numbers, not ${block}`);
  }
}

/** Codes of the first block, one a byte. Returns the scale. */
function codesOf({ kernels, blocks, codes, lanes }: VectorMemory, scheme: QuantiseScheme, n: number): number {
  const x = blocks[0].address;
  switch (scheme) {
    case 'sign':
      return kernels.signCodes(codes.address, x, n, lanes.address);
    case 'two-bit':
      return kernels.pairCodes(codes.address, x, n, twoBitLevels.threshold, lanes.address);
    case 'int4':
      return kernels.evenCodes(codes.address, x, n, 7);
    case 'int8':
      return kernels.evenCodes(codes.address, x, n, 127);
  }
}

function pack({ kernels, codes, packed }: VectorMemory, scheme: QuantiseScheme, n: number): Uint8Array {
  if (scheme === 'int8') return new Uint8Array(codes.view.buffer, codes.address, n);
  const by = { sign: kernels.pack1, 'two-bit': kernels.pack2, int4: kernels.pack4 }[scheme];
  by(packed.address, codes.address, n);
  return packed.view;
}

function unpack(
  { kernels, codes, packed }: VectorMemory,
  scheme: QuantiseScheme,
  from: Uint8Array,
  n: number,
): void {
  if (scheme === 'int8') {
    codes.view.set(new Int8Array(from.buffer, from.byteOffset, n));
    return;
  }
  packed.view.set(from);
  const by = { sign: kernels.unpack1, 'two-bit': kernels.unpack2, int4: kernels.unpack4 }[scheme];
  by(codes.address, packed.address, n);
}

/** Adds scale times the codes to the numbers at y. */
function addCodes(
  { kernels, codes, levels }: VectorMemory,
  scheme: QuantiseScheme,
  y: number,
  n: number,
  scale: number,
): void {
  if (scheme === 'int4' || scheme === 'int8') {
    kernels.addEven(y, codes.address, n, scale);
    return;
  }
  const { small, large } = twoBitLevels;
  if (scheme === 'sign') levels.view.set([scale, -scale, 0, 0]);
  else levels.view.set([small * scale, large * scale, -small * scale, -large * scale]);
  kernels.addLevels(y, codes.address, n, levels.address);
}
