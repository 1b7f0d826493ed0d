import * as z from 'zod';
import { checkVector, compressor, defineCompressor } from '../compressor.ts';
import { decodeFloat32, encodeFloat32 } from '../dense.ts';

/** float32 as they are. */
export const identity = defineCompressor({
  id: 'identity',
  schema: z.strictObject({ id: z.literal('identity').describe('float32') }),
  examples: [{ id: 'identity' }],
  isBiased: false,
  isSparse: false,
  isLossless: true,
  create: (_spec, size) =>
    compressor({
      id: 'identity',
      size,
      bodyBytesMax: 4 * size,
      boundBits: 32,
      compress(vector) {
        checkVector(vector, size);
        return encodeFloat32(vector);
      },
      decompress(body) {
        return decodeFloat32(body, size);
      },
    }),
});
