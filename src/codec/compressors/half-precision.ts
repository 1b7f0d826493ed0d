import * as z from 'zod';
import { type Compressor, checkVector, compressor, defineCompressor } from '../compressor.ts';
import { CodecError } from '../delta-codec.ts';
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from '../half.ts';

// Rounding to nearest is off by half a step at most, and is as if it were not biased.
const traits = { isBiased: false, isSparse: false, isLossless: false } as const;

export const fp16 = defineCompressor({
  id: 'fp16',
  schema: z.strictObject({ id: z.literal('fp16') }),
  examples: [{ id: 'fp16' }],
  ...traits,
  create: (_spec, size) => halfPrecision('fp16', size),
});

export const bf16 = defineCompressor({
  id: 'bf16',
  schema: z.strictObject({ id: z.literal('bf16') }),
  examples: [{ id: 'bf16' }],
  ...traits,
  create: (_spec, size) => halfPrecision('bf16', size),
});

/** 16 bits a number, little-endian: fp16 with 11 bits of precision up to 65,504, bf16 with 8 bits and the range of float32. */
function halfPrecision(id: 'fp16' | 'bf16', size: number): Compressor {
  const [to, from] = id === 'fp16' ? [toFloat16, fromFloat16] : [toBfloat16, fromBfloat16];
  return compressor({
    id,
    size,
    bodyBytesMax: 2 * size,
    boundBits: 16,
    compress(vector) {
      checkVector(vector, size);
      const body = new Uint8Array(2 * size);
      const view = new DataView(body.buffer);
      for (let i = 0; i < size; i++) view.setUint16(2 * i, to(vector[i]!), true);
      return body;
    },
    decompress(body) {
      if (body.length !== 2 * size)
        throw new CodecError(`a body has ${2 * size} bytes, this one ${body.length}`);
      const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
      return Float32Array.from({ length: size }, (_, i) => {
        const bits = view.getUint16(2 * i, true);
        const value = from(bits);
        if (!Number.isFinite(value) || bits === 0x8000)
          throw new CodecError(`number ${i} has no such encoding`);
        return value;
      });
    },
  });
}
