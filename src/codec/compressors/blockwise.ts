import * as z from 'zod';
import {
  addQuantised,
  bitsPerCode,
  packedBytes,
  type QuantiseScheme,
  quantise,
} from '../../kernels/quantise.ts';
import { type Compressor, checkVector, compressor, defineCompressor } from '../compressor.ts';
import { CodecError } from '../delta-codec.ts';

const fields = {
  block: z.int().min(16).max(65536).default(4096).describe('numbers that share a scale; as chunks'),
};
const traits = { isSparse: false, isLossless: false } as const;

export const int8 = defineCompressor({
  id: 'int8',
  schema: z.strictObject({
    id: z.literal('int8').describe('even steps, to the nearest, Dettmers 2016'),
    ...fields,
  }),
  examples: [{ id: 'int8' }],
  isBiased: true,
  ...traits,
  create: (spec, size) => blockwise('int8', size, spec.block),
});

export const int4 = defineCompressor({
  id: 'int4',
  schema: z.strictObject({ id: z.literal('int4').describe('even steps, to the nearest'), ...fields }),
  examples: [{ id: 'int4' }],
  isBiased: true,
  ...traits,
  create: (spec, size) => blockwise('int4', size, spec.block),
});

export const sign = defineCompressor({
  id: 'sign',
  schema: z.strictObject({ id: z.literal('sign').describe('one bit, Bernstein 2018'), ...fields }),
  examples: [{ id: 'sign' }],
  isBiased: true,
  ...traits,
  create: (spec, size) => blockwise('sign', size, spec.block),
});

export const twoBit = defineCompressor({
  id: 'two-bit',
  schema: z.strictObject({
    id: z.literal('two-bit').describe('levels of Lloyd and Max for normal numbers'),
    ...fields,
  }),
  examples: [{ id: 'two-bit' }],
  isBiased: true,
  ...traits,
  create: (spec, size) => blockwise('two-bit', size, spec.block),
});

export const int8Stochastic = defineCompressor({
  id: 'int8-stochastic',
  schema: z.strictObject({
    id: z.literal('int8-stochastic').describe('even steps, rounded at random so that the mean is right'),
    ...fields,
  }),
  examples: [{ id: 'int8-stochastic' }],
  isBiased: false,
  ...traits,
  variance: ({ block }, size) => evenVariance('int8', Math.min(block, size)),
  create: (spec, size) => atRandom('int8-stochastic', 'int8', size, spec.block),
});

export const int4Stochastic = defineCompressor({
  id: 'int4-stochastic',
  schema: z.strictObject({
    id: z.literal('int4-stochastic').describe('even steps, rounded at random so that the mean is right'),
    ...fields,
  }),
  examples: [{ id: 'int4-stochastic' }],
  isBiased: false,
  ...traits,
  variance: ({ block }, size) => evenVariance('int4', Math.min(block, size)),
  create: (spec, size) => atRandom('int4-stochastic', 'int4', size, spec.block),
});

/** Levels on one side of zero. */
const levelsOf = { int4: 7, int8: 127 } as const;
type EvenScheme = keyof typeof levelsOf;

/** A number is off by half a step in the mean of squares, at most, and a step is the largest number of the block over the levels. */
function evenVariance(scheme: EvenScheme, block: number): number {
  return block / (4 * levelsOf[scheme] ** 2);
}

/** Stochastic rounding (Gupta et al. 2015, "Deep Learning with Limited Numerical Precision") to the steps of `scheme`, then as that. */
function atRandom(id: string, scheme: EvenScheme, size: number, block: number): Compressor {
  const nearest = blockwise(scheme, size, block);
  const levels = levelsOf[scheme];
  return compressor({
    ...nearest,
    id,
    compress(vector, random) {
      checkVector(vector, size);
      const rounded = new Float32Array(size);
      for (let first = 0; first < size; first += block) {
        const part = vector.subarray(first, first + block);
        const scale = Math.fround(part.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / levels);
        if (scale === 0) continue;
        for (const [i, value] of part.entries()) {
          rounded[first + i] =
            scale * Math.sign(value) * levelAtRandom(Math.abs(value) / scale, levels, random());
        }
      }
      return nearest.compress(rounded, random);
    },
  });
}

/** A level is one where it is so but for the rounding of float32: the largest number must stay what the scale follows from. */
function levelAtRandom(exact: number, levels: number, chance: number): number {
  const near = Math.round(exact);
  if (Math.abs(exact - near) < 1e-5) return Math.min(levels, near);
  return Math.min(levels, Math.floor(exact) + Number(chance < exact % 1));
}

/** Bits that a code of each scheme needs: int8 has 255 values. */
const boundOf: Readonly<Record<QuantiseScheme, number>> = {
  sign: 1,
  'two-bit': 2,
  int4: Math.log2(15),
  int8: Math.log2(255),
};

/**
 * Few bits a number and one float32 scale for a block: `int8` and `int4` in even steps (Dettmers 2016, "8-Bit Approximations"),
 * `sign` with the mean magnitude (Bernstein et al. 2018, "signSGD"), `two-bit` with the levels of Lloyd and Max for normal numbers.
 * The kernel rounds to nearest; body: all scales, then all codes.
 */
function blockwise(id: QuantiseScheme, size: number, block: number): Compressor {
  const blocks = Math.ceil(size / block);
  const packedLength = packedBytes(id, size, block);
  const isEven = id === 'int8' || id === 'int4';
  /** The bytes of each block's codes. */
  function* codesOf(body: Uint8Array): Generator<readonly [number, Uint8Array]> {
    const each = packedBytes(id, block, block);
    for (let b = 0; b < blocks; b++) {
      const start = 4 * blocks + b * each;
      yield [b, body.subarray(start, Math.min(start + each, body.length))];
    }
  }
  const decompress = (body: Uint8Array): Float32Array => {
    if (body.length !== 4 * blocks + packedLength) {
      throw new CodecError(`a body has ${4 * blocks + packedLength} bytes, this one ${body.length}`);
    }
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    const scales = Float32Array.from({ length: blocks }, (_, b) => {
      const scale = view.getFloat32(4 * b, true);
      if (!(scale >= 0 && Number.isFinite(scale)) || Object.is(scale, -0))
        throw new CodecError(`block ${b} has no scale`);
      return scale;
    });
    for (const [b, bytes] of codesOf(body))
      checkCodes(bytes, Math.min(block, size - b * block), scales[b]!, id);
    const vector = new Float32Array(size);
    addQuantised(vector, { scheme: id, length: size, block, scales, packed: body.subarray(4 * blocks) });
    return vector;
  };
  const compress = (vector: Float32Array): Uint8Array => {
    checkVector(vector, size);
    const { scales, packed } = quantise(vector.slice(), id, block);
    const body = new Uint8Array(4 * blocks + packed.length);
    const view = new DataView(body.buffer);
    for (const [b, scale] of scales.entries()) view.setFloat32(4 * b, scale, true);
    body.set(packed, 4 * blocks);
    // A scale that was rounded to zero has no signs.
    for (const [b, bytes] of codesOf(body)) if (scales[b] === 0) bytes.fill(0);
    return body;
  };
  return compressor({
    id,
    size,
    bodyBytesMax: 4 * blocks + packedLength,
    boundBits: boundOf[id] + 32 / Math.min(block, size),
    compress,
    decompress(body) {
      const vector = decompress(body);
      // What was quantised is its own quantisation: codes and scales that nobody could have written are not.
      if (isEven && compress(vector).some((byte, i) => byte !== body[i])) {
        throw new CodecError('these codes and scales are of no vector');
      }
      return vector;
    },
  });
}

/** @throws CodecError where bits are set that no number has */
function checkCodes(bytes: Uint8Array, count: number, scale: number, id: QuantiseScheme): void {
  if (scale === 0 && bytes.some((byte) => byte !== 0)) throw new CodecError('a block of zeros has signs');
  const used = (count * bitsPerCode[id]) % 8;
  if (used > 0 && bytes.at(-1)! >> used !== 0) throw new CodecError('the padding of a block is not zero');
}
