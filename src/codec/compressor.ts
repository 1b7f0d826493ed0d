/** Lossy and lossless ways to write a vector in fewer bytes. Each value has one encoding; anything else is refused. */

export interface Compressor {
  readonly id: string;
  /** Coordinates of every vector. */
  readonly size: number;
  /** E[decompress(compress(x))] is not x: what is missing must be fed back, or it is lost for good. */
  readonly isBiased: boolean;
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
