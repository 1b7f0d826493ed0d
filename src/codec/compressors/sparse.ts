import * as z from 'zod';
import { BitReader, BitWriter } from '../bits.ts';
import { type Compressor, checkVector, compressor, defineCompressor } from '../compressor.ts';
import { CodecError } from '../delta-codec.ts';
import {
  type IndexCoding,
  indexBitsMax,
  indexInformation,
  readIndices,
  writeIndices,
} from '../index-coding.ts';
import {
  chunkBits,
  chunkInformation,
  readValues,
  type ValueCoding,
  valueBits,
  writeValues,
} from '../value-coding.ts';
import { tooManyKept } from './too-many-kept.ts';

const fields = {
  chunk: z
    .int()
    .min(64)
    .max(1 << 24)
    .nullable()
    .default(4096)
    .describe('numbers per chunk; null: the whole vector; 4096 as SparseLoCo'),
  perChunk: z
    .int()
    .min(1)
    .max(1 << 20)
    .default(64)
    .describe('numbers kept per chunk (k); 64 as SparseLoCo'),
  indices: z
    .enum(['rice', 'fixed', 'bitmap'])
    .default('rice')
    .describe('how places are written: gaps in Rice code, ceil(log2 chunk) bits, one bit each number'),
  values: z
    .enum(['float32', 'fp16', 'sign', 'two-bit'])
    .default('sign')
    .describe('sign: one magnitude a chunk; two-bit: two magnitudes by Lloyd (1982)'),
};
const traits = { isBiased: true, isSparse: true, isLossless: false, impossible: tooManyKept } as const;

/** Largest magnitudes, ties to the lower place (Stich et al. 2018, "Sparsified SGD with Memory"). */
export const topK = defineCompressor({
  id: 'top-k',
  schema: z.strictObject({ id: z.literal('top-k').describe('largest magnitudes'), ...fields }),
  examples: [
    { id: 'top-k' },
    { id: 'top-k', indices: 'fixed', values: 'two-bit' },
    { id: 'top-k', indices: 'bitmap', values: 'fp16' },
  ],
  ...traits,
  create: (spec, size) => sparse(spec, size, (part, count) => largestOf(part, count)),
});

export const randK = defineCompressor({
  id: 'rand-k',
  schema: z.strictObject({ id: z.literal('rand-k').describe('drawn at random'), ...fields }),
  examples: [{ id: 'rand-k', values: 'float32' }],
  ...traits,
  isByChance: true,
  create: (spec, size) => sparse(spec, size, (part, count, random) => drawn(part.length, count, random)),
});

/** rand-k times n / k of each chunk, so that the mean is right. */
export const randKUnbiased = defineCompressor({
  id: 'rand-k-unbiased',
  schema: z.strictObject({
    id: z.literal('rand-k-unbiased').describe('drawn at random, times chunk / k so that the mean is right'),
    chunk: fields.chunk,
    perChunk: fields.perChunk,
    indices: fields.indices,
    values: z.enum(['float32', 'fp16']).default('float32').describe('rounded to no less than 11 bits'),
  }),
  examples: [{ id: 'rand-k-unbiased' }],
  ...traits,
  isBiased: false,
  variance({ chunk, perChunk }, size) {
    return Math.max(
      ...chunksOf(size, chunk ?? size, perChunk).map(({ length, count }) => length / count - 1),
    );
  },
  create(spec, size) {
    const drawnAsTheyAre = sparse(spec, size, (part, count, random) => drawn(part.length, count, random));
    const chunks = chunksOf(size, spec.chunk ?? size, spec.perChunk);
    return compressor({
      ...drawnAsTheyAre,
      decompress(body) {
        const vector = drawnAsTheyAre.decompress(body);
        for (const { start, length, count } of chunks) {
          for (let i = start; i < start + length; i++) vector[i] = vector[i]! * (length / count);
        }
        if (!vector.every(Number.isFinite)) throw new CodecError('a value times chunk / k is not finite');
        return vector;
      },
    });
  },
});

interface SparseSpec {
  readonly id: string;
  /** Numbers of a chunk; null: the whole vector is one. */
  readonly chunk: number | null;
  /** Numbers kept of each chunk (k), proportionally fewer of a shorter last one, at least one. */
  readonly perChunk: number;
  readonly indices: IndexCoding;
  readonly values: ValueCoding;
}

/** Ascending places of the `count` numbers of a chunk that are kept. */
type Select = (part: Float32Array, count: number, random: () => number) => number[];

interface Chunk {
  readonly start: number;
  readonly length: number;
  readonly count: number;
}

function chunksOf(size: number, length: number, perChunk: number): Chunk[] {
  return Array.from({ length: Math.ceil(size / length) }, (_, c): Chunk => {
    const own = Math.min(length, size - c * length);
    return { start: c * length, length: own, count: Math.max(1, Math.ceil((perChunk * own) / length)) };
  });
}

/** k numbers of each chunk, the rest zero: per chunk its places, then its values. */
function sparse(
  { id, chunk, perChunk, indices, values }: SparseSpec,
  size: number,
  select: Select,
): Compressor {
  const length = chunk ?? size;
  if (perChunk > length) throw new RangeError(`${id} cannot keep ${perChunk} of ${length} numbers`);
  const chunks = chunksOf(size, length, perChunk);
  const totalBits = (of: (one: Chunk) => number) => chunks.reduce((sum, one) => sum + of(one), 0);
  return compressor({
    id,
    size,
    bodyBytesMax: Math.ceil(
      totalBits(
        (one) =>
          indexBitsMax(indices, one.count, one.length) + chunkBits[values] + one.count * valueBits[values],
      ) / 8,
    ),
    boundBits:
      totalBits(
        (one) =>
          indexInformation(one.length, one.count) + one.count * valueBits[values] + chunkInformation[values],
      ) / size,
    compress(vector, random) {
      checkVector(vector, size);
      const writer = new BitWriter();
      for (const { start, length: own, count } of chunks) {
        const part = vector.subarray(start, start + own);
        const places = select(part, count, random);
        writeIndices(writer, indices, places, own);
        writeValues(
          writer,
          values,
          places.map((place) => part[place]!),
        );
      }
      return writer.bytes();
    },
    decompress(body) {
      const reader = new BitReader(body);
      const vector = new Float32Array(size);
      for (const { start, length: own, count } of chunks) {
        const places = readIndices(reader, indices, count, own);
        const read = readValues(reader, values, count);
        for (const [i, place] of places.entries()) vector[start + place] = read[i]!;
      }
      reader.end();
      return vector;
    },
  });
}

/** Places of the `count` largest magnitudes, ascending; of equal ones the lower. */
function largestOf(part: Float32Array, count: number): number[] {
  // Sorting numbers is ten times as fast as sorting places by a comparison.
  const least = part.map(Math.abs).sort()[part.length - count]!;
  let ties = count;
  for (const value of part) if (Math.abs(value) > least) ties--;
  const places: number[] = [];
  for (const [i, value] of part.entries()) {
    const magnitude = Math.abs(value);
    if (magnitude > least || (magnitude === least && ties-- > 0)) places.push(i);
  }
  return places;
}

/** `count` of 0 to n - 1, ascending, every choice as likely (Floyd). */
function drawn(n: number, count: number, random: () => number): number[] {
  const chosen = new Set<number>();
  for (let i = n - count; i < n; i++) {
    const pick = Math.floor(random() * (i + 1));
    chosen.add(chosen.has(pick) ? i : pick);
  }
  return [...chosen].sort((a, b) => a - b);
}
