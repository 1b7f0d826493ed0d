import type { Compressor } from './compressor.ts';
import { blockwise } from './compressors/blockwise.ts';
import { halfPrecision } from './compressors/half-precision.ts';
import { identity } from './compressors/identity.ts';
import { qsgd } from './compressors/qsgd.ts';
import { sparse } from './compressors/sparse.ts';
import { sparseSignCompressor } from './compressors/sparse-sign-compressor.ts';
import type { IndexCoding } from './index-coding.ts';
import type { ValueCoding } from './value-coding.ts';

/** A compressor by its id, with the constants that it has. */
export type CompressorSpec =
  | { readonly id: 'identity' | 'fp16' | 'bf16' }
  | { readonly id: 'int8' | 'int4' | 'sign' | 'two-bit'; readonly block: number }
  | { readonly id: 'qsgd'; readonly levels: number; readonly bucket: number }
  | { readonly id: 'sparse-sign'; readonly chunk: number; readonly perChunk: number }
  | {
      readonly id: 'top-k' | 'rand-k';
      readonly chunk: number | null;
      readonly perChunk: number;
      readonly indices: IndexCoding;
      readonly values: ValueCoding;
    };

/** @throws RangeError for constants that do not go with `size` coordinates */
export function createCompressor(spec: CompressorSpec, size: number): Compressor {
  switch (spec.id) {
    case 'identity':
      return identity(size);
    case 'fp16':
    case 'bf16':
      return halfPrecision(spec.id, size);
    case 'int8':
    case 'int4':
    case 'sign':
    case 'two-bit':
      return blockwise(spec.id, size, spec.block);
    case 'qsgd':
      return qsgd(size, spec.levels, spec.bucket);
    case 'sparse-sign':
      return sparseSignCompressor(size, spec.chunk, spec.perChunk);
    case 'top-k':
    case 'rand-k':
      return sparse({ ...spec, size });
  }
}
