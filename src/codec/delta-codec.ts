/** A sparse delta as it travels: per chunk some coordinates, one sign each and one shared magnitude. */
export interface SparseDelta {
  /** Number of coordinates of the dense vector. */
  readonly size: number;
  /** Coordinates per chunk; the last chunk may be shorter. */
  readonly chunk: number;
  /** Global coordinates, ascending; chunk c owns `indices[starts[c]] .. indices[starts[c + 1] - 1]`. */
  readonly indices: Uint32Array;
  /** +1 or -1 for each index. */
  readonly signs: Int8Array;
  /** Length chunks + 1. */
  readonly starts: Uint32Array;
  /** Log-scale magnitude of each chunk: 0 is an empty chunk, 1..SCALE_CODE_MAX as in `scale.ts`. */
  readonly scaleCodes: Uint8Array;
}

/** A delta of which every coordinate may be sent. */
export interface DenseDelta {
  readonly size: number;
  readonly values: Float32Array;
  /** The body that says so. */
  readonly body: Uint8Array;
}

export type Delta = SparseDelta | DenseDelta;

/** Turns dense vectors into bodies and back. Decoding is strict: one value has one encoding. */
export interface DeltaCodec<D extends Delta = Delta> {
  readonly id: string;
  /** Largest body that `decode` accepts, in bytes. */
  readonly bodyBytesMax: number;
  /** Selects what to send of `vector` (length `size`; not modified). Non-finite input throws. */
  select(vector: Float32Array): D;
  encode(delta: D): Uint8Array;
  /** Throws CodecError for anything that `encode` could not have produced. */
  decode(body: Uint8Array): D;
}

export class CodecError extends Error {
  override readonly name = 'CodecError';
  readonly code = 'BAD_BODY';
}

/** @throws RangeError unless the delta has one coordinate for each of the vector. */
export function checkSize(delta: SparseDelta, vector: Float32Array | Float64Array): void {
  if (vector.length !== delta.size) {
    throw new RangeError(`a delta of ${delta.size} coordinates does not fit a vector of ${vector.length}`);
  }
}
