/** Every compressor there is: one line each. */
import type * as z from 'zod';
import { byId, schemaOfAll } from '../../registry/registry.ts';
import type { Compressor, CompressorKind } from '../compressor.ts';
import { int4, int8, sign, twoBit } from './blockwise.ts';
import { bf16, fp16 } from './half-precision.ts';
import { identity } from './identity.ts';
import { qsgd } from './qsgd.ts';
import { randK, topK } from './sparse.ts';
import { sparseSign } from './sparse-sign.ts';

export const compressors = [
  sparseSign,
  identity,
  fp16,
  bf16,
  int8,
  int4,
  sign,
  twoBit,
  qsgd,
  topK,
  randK,
] as const;

export const compressorSchema = schemaOfAll(compressors);
/** A compressor by its id, with the constants that it has. */
export type CompressorSpec = z.infer<typeof compressorSchema>;

export function compressorKind(spec: CompressorSpec): CompressorKind {
  return byId<CompressorKind>(compressors, spec.id);
}

/** @throws RangeError for constants that do not go with `size` coordinates */
export function createCompressor(spec: CompressorSpec, size: number): Compressor {
  return compressorKind(spec).create(spec, size);
}

/** Of a size that costs nothing to make, for models of any. */
const sampleMax = 1 << 20;

/** Mean length of a body for a model of `size` parameters, in bytes. */
export function expectedBodyBytes(spec: CompressorSpec, size: number): number {
  const kind = compressorKind(spec);
  if (kind.expectedBodyBytes) return kind.expectedBodyBytes(spec, size);
  // The length of most hardly varies: the longest.
  const sample = Math.min(size, sampleMax);
  return Math.ceil((kind.create(spec, sample).bodyBytesMax * size) / sample);
}
