/** Every compressor there is: one line each. */
import type * as z from 'zod';
import { byId, readSpec, schemaOfAll } from '../../registry/registry.ts';
import { type Compressor, type CompressorKind, contraction } from '../compressor.ts';
import { int4, int4Stochastic, int8, int8Stochastic, sign, twoBit } from './blockwise.ts';
import { bf16, fp16 } from './half-precision.ts';
import { identity } from './identity.ts';
import { qsgd } from './qsgd.ts';
import { randK, randKUnbiased, topK } from './sparse.ts';
import { sparseSign } from './sparse-sign.ts';

export const compressors = [
  sparseSign,
  identity,
  fp16,
  bf16,
  int8,
  int4,
  int8Stochastic,
  int4Stochastic,
  sign,
  twoBit,
  qsgd,
  topK,
  randKUnbiased,
  randK,
] as const;

export const compressorSchema = schemaOfAll(compressors);
/** A compressor by its id, with the constants that it has. */
export type CompressorSpec = z.infer<typeof compressorSchema>;
/** The same, as a manifest may say it: without what has a default. */
export type CompressorInput = z.input<typeof compressorSchema>;

export function compressorKind(spec: CompressorSpec): CompressorKind {
  return byId<CompressorKind>(compressors, spec.id);
}

/**
 * What is left out of the spec has its default.
 * @throws SpecError for what no manifest could say, RangeError for constants that do not go with `size` coordinates
 */
export function createCompressor(input: CompressorInput, size: number): Compressor {
  const spec = readSpec('codec', compressors, compressorSchema, input);
  checkSize(size);
  return compressorKind(spec).create(spec, size);
}

/**
 * As error feedback, EF21 and public copies need it: what is left of a vector is shorter than it, in the mean. Biased ones are so as they
 * are; those that are right in the mean, if they are far off each time, only by luck: they are scaled down by their variance.
 * @throws SpecError for what no manifest could say, RangeError for constants that do not go with `size` coordinates
 */
export function createContraction(input: CompressorInput, size: number): Compressor {
  const spec = readSpec('codec', compressors, compressorSchema, input);
  checkSize(size);
  const kind = compressorKind(spec);
  const omega = kind.variance?.(spec, size);
  const whole = kind.create(spec, size);
  return omega === undefined ? whole : contraction(whole, omega);
}

function checkSize(size: number): void {
  if (!Number.isInteger(size) || size < 1) throw new RangeError(`there are no vectors of ${size} numbers`);
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
