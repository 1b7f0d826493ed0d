import { BitReader, BitWriter } from '../bits.ts';
import { type Compressor, checkVector, compressor } from '../compressor.ts';
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

export interface SparseOptions {
  /** Largest magnitudes, ties to the lower place (Stich et al. 2018, "Sparsified SGD with Memory"), or places drawn at random. */
  readonly id: 'top-k' | 'rand-k';
  readonly size: number;
  /** Numbers of a chunk; null: the whole vector is one. */
  readonly chunk: number | null;
  /** Numbers kept of each chunk (k), proportionally fewer of a shorter last one, at least one. */
  readonly perChunk: number;
  readonly indices: IndexCoding;
  readonly values: ValueCoding;
}

interface Chunk {
  readonly start: number;
  readonly length: number;
  readonly count: number;
}

/** k numbers of each chunk, the rest zero: per chunk its places, then its values. */
export function sparse({ id, size, chunk, perChunk, indices, values }: SparseOptions): Compressor {
  const length = chunk ?? size;
  if (perChunk > length) throw new RangeError(`${id} cannot keep ${perChunk} of ${length} numbers`);
  const chunks = Array.from({ length: Math.ceil(size / length) }, (_, c): Chunk => {
    const own = Math.min(length, size - c * length);
    return { start: c * length, length: own, count: Math.max(1, Math.ceil((perChunk * own) / length)) };
  });
  const totalBits = (of: (one: Chunk) => number) => chunks.reduce((sum, one) => sum + of(one), 0);
  return compressor({
    id,
    size,
    isBiased: true,
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
        const places = id === 'top-k' ? largestOf(part, count) : drawn(own, count, random);
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
export function largestOf(part: Float32Array, count: number): number[] {
  const order = Array.from(part, (_, i) => i).sort(
    (a, b) => Math.abs(part[b]!) - Math.abs(part[a]!) || a - b,
  );
  return order.slice(0, count).sort((a, b) => a - b);
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
