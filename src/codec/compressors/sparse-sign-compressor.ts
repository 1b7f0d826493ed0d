import { type Compressor, compressor } from '../compressor.ts';
import { indexInformation } from '../index-coding.ts';
import { addDecoded, sparseSignCodec } from '../sparse-sign.ts';
import { chunkInformation } from '../value-coding.ts';

/** The default of delta-log, compiled: the k largest of each chunk in Rice's code, their signs, and one magnitude a chunk. */
export function sparseSignCompressor(size: number, chunk: number, perChunk: number): Compressor {
  const codec = sparseSignCodec({ size, chunk, perChunk });
  const own = Math.min(chunk, size);
  const count = Math.max(1, Math.ceil((perChunk * own) / chunk));
  return compressor({
    id: 'sparse-sign',
    size,
    isBiased: true,
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
