import { type Compressor, checkVector, compressor } from '../compressor.ts';
import { CodecError } from '../delta-codec.ts';
import { decodeFloat32, encodeFloat32 } from '../dense.ts';

/** float32 as they are. */
export function identity(size: number): Compressor {
  return compressor({
    id: 'identity',
    size,
    isBiased: false,
    bodyBytesMax: 4 * size,
    boundBits: 32,
    compress(vector) {
      checkVector(vector, size);
      return encodeFloat32(vector);
    },
    decompress(body) {
      const vector = decodeFloat32(body, size);
      if (!vector.every(Number.isFinite)) throw new CodecError('a number of the body is not finite');
      return vector;
    },
  });
}
