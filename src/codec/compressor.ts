/** Lossy and lossless ways to write a vector in fewer bytes. Each value has one encoding; anything else is refused. */
import type * as z from 'zod';
import type { Impossible } from '../registry/impossible.ts';
import type { Described } from '../registry/registry.ts';
import type { DeltaCodec } from './delta-codec.ts';

export interface Compressor {
  readonly id: string;
  /** Coordinates of every vector. */
  readonly size: number;
  /** Longest body, in bytes. */
  readonly bodyBytesMax: number;
  /**
   * Information of a body in bits for a parameter: what a perfect code would take, with all choices as likely (levels of `qsgd` as
   * often as of normal numbers). A shared scale counts with the logarithm of the scales that there are.
   */
  readonly boundBits: number;
  /** `vector` is not modified; `random` is uniform in [0, 1). @throws NonFiniteError, RangeError for what is no finite number */
  compress(vector: Float32Array, random: () => number): Uint8Array;
  /** @throws CodecError for what `compress` could not have written */
  decompress(body: Uint8Array): Float32Array;
  isValid(body: Uint8Array): boolean;
}

/** What a manifest may say of a compressor, what others must know of it, and how it is made. */
export interface CompressorKind<Schema extends z.ZodObject = z.ZodObject> extends Described {
  readonly schema: Schema;
  readonly examples: readonly z.input<Schema>[];
  /** E[decompress(compress(x))] is not x: what is missing must be fed back, or it is lost for good. */
  readonly isBiased: boolean;
  /** Most coordinates come back as zero: two such vectors are nearly orthogonal. */
  readonly isSparse: boolean;
  /** It draws lots: nobody else comes to the same bytes. */
  readonly isByChance?: true;
  /** decompress(compress(x)) is x. */
  readonly isLossless: boolean;
  /**
   * omega, of those that are not biased and not lossless: E|decompress(compress(x)) - x|^2 <= omega |x|^2 for every x of `size`
   * numbers. Left out where rounding errors are all there is.
   */
  variance?(spec: z.output<Schema>, size: number): number;
  /** What does not go together in a spec for vectors of `size`. */
  impossible?(spec: z.output<Schema>, size: number): Impossible | null;
  /** @throws RangeError for constants that do not go with `size` coordinates */
  create(spec: z.output<Schema>, size: number): Compressor;
  /** A codec of deltas of its own, where they are more than dense vectors that it compressed. */
  createDeltaCodec?(spec: z.output<Schema>, size: number): DeltaCodec;
  /** Mean length of a body for a model of `size` parameters, in bytes; near the longest where not given. */
  expectedBodyBytes?(spec: z.output<Schema>, size: number): number;
}

/** Typed by its schema. */
export function defineCompressor<Schema extends z.ZodObject>(
  kind: CompressorKind<Schema>,
): CompressorKind<Schema> {
  return kind;
}

/** A compressor from its two directions. */
export function compressor(parts: Omit<Compressor, 'isValid'>): Compressor {
  return {
    ...parts,
    isValid(body) {
      try {
        parts.decompress(body);
        return true;
      } catch {
        return false;
      }
    },
  };
}

/** @throws RangeError unless it is a finite vector of that size */
export function checkVector(vector: Float32Array, size: number): void {
  if (vector.length !== size)
    throw new RangeError(`a compressor for ${size} numbers was given ${vector.length}`);
  for (let i = 0; i < size; i++) {
    if (!Number.isFinite(vector[i]!)) throw new RangeError(`number ${i} of the vector is not finite`);
  }
}

/**
 * The same bodies, read as 1 / (1 + omega) of what they say: E|x - C(x)|^2 <= omega / (1 + omega) |x|^2, so that what was not sent
 * shrinks however large omega is (Richtarik, Sokolov, Fatkhullin 2021, "EF21", section 2). Error feedback and differences to public
 * copies diverge with a compressor whose omega is above 1 as it stands.
 */
export function contraction(inner: Compressor, omega: number): Compressor {
  const factor = 1 / (1 + omega);
  return {
    ...inner,
    decompress(body) {
      const vector = inner.decompress(body);
      for (let i = 0; i < vector.length; i++) vector[i] = factor * vector[i]!;
      return vector;
    },
  };
}
