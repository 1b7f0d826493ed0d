import * as z from 'zod';
import { BitReader, BitWriter } from '../bits.ts';
import { type Compressor, checkVector, compressor, defineCompressor } from '../compressor.ts';
import { CodecError } from '../delta-codec.ts';

export const qsgd = defineCompressor({
  id: 'qsgd',
  schema: z.strictObject({
    id: z.literal('qsgd').describe('Alistarh 2017'),
    levels: z.int().min(1).max(32767).default(16).describe('levels of magnitude (s)'),
    bucket: z
      .int()
      .min(16)
      .max(65536)
      .default(512)
      .describe('numbers that share a norm; 512 as Alistarh 2017'),
  }),
  examples: [{ id: 'qsgd' }],
  isBiased: false,
  isByChance: true,
  isSparse: false,
  isLossless: false,
  // Lemma 3.1 of Alistarh et al. 2017, of the largest bucket.
  variance({ levels, bucket }, size) {
    const d = Math.min(bucket, size);
    return Math.min(d / levels ** 2, Math.sqrt(d) / levels);
  },
  create: ({ levels, bucket }, size) => quantiseAtRandom(size, levels, bucket),
});

/**
 * QSGD (Alistarh et al. 2017): per bucket its Euclidean norm, and for each number a level 0 to s that |x| s / norm is rounded to at
 * random, so that the mean is right. Levels are written in Elias' gamma code, signs after those that are not zero.
 */
function quantiseAtRandom(size: number, levels: number, bucket: number): Compressor {
  const bits = 2 * Math.floor(Math.log2(levels + 1)) + 2;
  const buckets = Math.ceil(size / bucket);
  return compressor({
    id: 'qsgd',
    size,
    bodyBytesMax: 4 * buckets + Math.ceil((size * bits) / 8),
    boundBits: boundOf(levels, Math.min(bucket, size)),
    compress(vector, random) {
      checkVector(vector, size);
      const norms = new Float32Array(buckets);
      const writer = new BitWriter();
      for (let b = 0; b < buckets; b++) {
        const part = vector.subarray(b * bucket, (b + 1) * bucket);
        let squares = 0;
        for (const value of part) squares += value * value;
        const norm = Math.fround(Math.sqrt(squares));
        if (!Number.isFinite(norm)) throw new RangeError(`the norm of bucket ${b} is not finite`);
        norms[b] = norm;
        if (norm === 0) continue;
        for (const value of part) {
          const exact = (Math.abs(value) * levels) / norm;
          const level = Math.min(levels, Math.floor(exact) + (random() < exact % 1 ? 1 : 0));
          writeGamma(writer, level + 1);
          if (level > 0) writer.bit(value < 0 ? 1 : 0);
        }
      }
      const coded = writer.bytes();
      const body = new Uint8Array(4 * buckets + coded.length);
      const view = new DataView(body.buffer);
      for (const [b, norm] of norms.entries()) view.setFloat32(4 * b, norm, true);
      body.set(coded, 4 * buckets);
      return body;
    },
    decompress(body) {
      if (body.length < 4 * buckets) throw new CodecError('the body is too short for its norms');
      const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
      const reader = new BitReader(body, 4 * buckets);
      const vector = new Float32Array(size);
      for (let b = 0; b < buckets; b++) {
        const norm = view.getFloat32(4 * b, true);
        if (!(norm >= 0 && Number.isFinite(norm)) || Object.is(norm, -0))
          throw new CodecError(`bucket ${b} has no norm`);
        if (norm === 0) continue;
        const end = Math.min(size, (b + 1) * bucket);
        for (let i = b * bucket; i < end; i++) {
          const level = readGamma(reader, levels + 1) - 1;
          if (level > 0) vector[i] = ((reader.bit() === 1 ? -level : level) * norm) / levels;
        }
      }
      reader.end();
      return vector;
    },
  });
}

function writeGamma(writer: BitWriter, value: number): void {
  const length = 31 - Math.clz32(value);
  for (let i = 0; i < length; i++) writer.bit(0);
  writer.bits(value, length + 1);
}

function readGamma(reader: BitReader, max: number): number {
  let length = 0;
  while (reader.bit() === 0) if (++length > 31) throw new CodecError('a level is out of range');
  const value = 2 ** length + reader.bits(length);
  if (value > max) throw new CodecError('a level is out of range');
  return value;
}

/** Entropy of levels and signs where numbers are normal: of |x| s / norm with norm = sqrt(bucket) deviations. */
function boundOf(levels: number, bucket: number): number {
  const step = Math.sqrt(bucket) / levels;
  const masses = new Float64Array(levels + 1);
  const width = 1e-3;
  for (let x = width / 2; x < 8; x += width) {
    const mass = (2 * width * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
    const exact = Math.min(levels, x / step);
    const below = Math.floor(exact);
    masses[below]! += mass * (1 - (exact - below));
    if (below < levels) masses[below + 1]! += mass * (exact - below);
  }
  const entropy = masses.reduce((sum, mass) => (mass > 0 ? sum - mass * Math.log2(mass) : sum), 0);
  return entropy + (1 - masses[0]!) + 32 / bucket;
}
