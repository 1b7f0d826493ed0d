import * as z from 'zod';
import { type Compressor, compressor, defineCompressor } from '../compressor.ts';
import { indexInformation } from '../index-coding.ts';
import { riceParameter } from '../rice.ts';
import { addDecoded } from '../sparse-delta.ts';
import { sparseSignCodec } from '../sparse-sign-codec.ts';
import { chunkInformation } from '../value-coding.ts';
import { tooManyKept } from './too-many-kept.ts';

/** The default of delta-log, compiled; its fields also stand without an id. */
export const sparseSign = defineCompressor({
  id: 'sparse-sign',
  schema: z.strictObject({
    id: z.literal('sparse-sign').default('sparse-sign'),
    chunk: z.int().min(64).max(65536).default(4096).describe('coordinates per chunk; 4096 as SparseLoCo'),
    perChunk: z
      .int()
      .min(1)
      .max(4096)
      .default(64)
      .describe('coordinates sent per chunk (k); 64 as SparseLoCo'),
  }),
  examples: [{ id: 'sparse-sign' }],
  isBiased: true,
  isSparse: true,
  isLossless: false,
  impossible: tooManyKept,
  create: ({ chunk, perChunk }, size) => largestSigns(size, chunk, perChunk),
  createDeltaCodec: ({ chunk, perChunk }, size) => sparseSignCodec({ size, chunk, perChunk }),
  expectedBodyBytes,
});

/** The k largest of each chunk in Rice's code, their signs, and one magnitude a chunk. */
function largestSigns(size: number, chunk: number, perChunk: number): Compressor {
  const codec = sparseSignCodec({ size, chunk, perChunk });
  const own = Math.min(chunk, size);
  const count = Math.max(1, Math.ceil((perChunk * own) / chunk));
  return compressor({
    id: 'sparse-sign',
    size,
    bodyBytesMax: codec.bodyBytesMax,
    boundBits: (indexInformation(own, count) + count + chunkInformation.sign) / own,
    compress: (vector) => codec.encode(codec.select(vector)),
    decompress(body) {
      const vector = new Float32Array(size);
      addDecoded(vector, codec.decode(body));
      return vector;
    },
  });
}

/**
 * When the indices of a chunk are random: a byte of scale for each chunk; for each index a sign and a Rice code of its gap,
 * geometric with mean chunk / k (../sparse-sign-codec.ts).
 */
function expectedBodyBytes(
  { chunk, perChunk }: { readonly chunk: number; readonly perChunk: number },
  size: number,
): number {
  const length = Math.min(chunk, size);
  const count = Math.max(1, Math.ceil((perChunk * length) / chunk));
  const bits = riceParameter(length, count);
  const stays = (1 - count / length) ** (2 ** bits);
  const bitsPerIndex = 1 + bits + 1 + (stays < 1 ? stays / (1 - stays) : 0);
  const chunks = size / length;
  return Math.ceil(chunks * (1 + (count * bitsPerIndex) / 8));
}
