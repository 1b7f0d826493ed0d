/** Parcels of mixing methods as bytes. A parcel that is one whole vector is written as just that. */
import * as dagCbor from '@ipld/dag-cbor';
import type { Compressor } from '../../codec/compressor.ts';
import { type CompressorSpec, createCompressor } from '../../codec/compressors/registry.ts';
import { decodeFloat32, encodeFloat32 } from '../../codec/dense.ts';
import { decodeCanonical } from '../../core/canonical-cbor.ts';
import { absMax } from '../../kernels/dense-vectors.ts';
import type { Vector } from '../../math/vector.ts';
import { noBody, type Parcel } from './mixing-peer.ts';

/** Numbers and vectors of one parcel. */
const numbersMax = 4096;
const vectorsMax = 4;
/**
 * Of a number in a parcel: far above what models come to, and low enough that sums over all rounds of a run stay finite.
 * What lies below, an aggregator must withstand.
 */
const magnitudeMax = 1e9;
/** What a parcel may need besides its vectors: numbers and the frame of CBOR. */
const frameBytes = 4096;

export interface ParcelCoding {
  readonly bytesMax: number;
  /** The same numbers in float32, as every receiver will read them: the vector given back is always written in the same bytes. */
  asSent(vector: Vector): Vector;
  encode(parcel: Parcel): Uint8Array;
  /** null for anything that `encode` could not have written, and for numbers that no model comes to. */
  decode(bytes: Uint8Array): Parcel | null;
}

/** For models of `size` parameters; `isPlain`: every parcel is one vector of that size. */
export function parcelCoding(
  spec: CompressorSpec,
  size: number,
  isPlain: boolean,
  random: () => number,
): ParcelCoding {
  const whole = createCompressor(spec, size);
  // Of parts, where there are any.
  let parts: Map<number, Compressor> | null = null;
  const compressorOf = (length: number): Compressor => {
    if (length === size) return whole;
    parts ??= new Map();
    let known = parts.get(length);
    if (!known) {
      known = createCompressor(spec, length);
      parts.set(length, known);
    }
    return known;
  };
  // What is read back and written again need not be the same: qsgd rounds at random, to another norm each time.
  const written = new WeakMap<Vector, Uint8Array>();
  const write = (vector: Vector): Uint8Array =>
    written.get(vector) ??
    compressorOf(vector.length).compress(
      vector instanceof Float32Array ? vector : Float32Array.from(vector),
      random,
    );
  return {
    bytesMax: isPlain ? whole.bodyBytesMax : 2 * Math.max(4 * size, whole.bodyBytesMax) + frameBytes,
    asSent(vector) {
      const bytes = write(vector);
      const read = whole.decompress(bytes);
      written.set(read, bytes);
      return read;
    },
    encode({ numbers, vectors, body }) {
      if (isPlain) return write(vectors[0]!);
      return dagCbor.encode([numbers, vectors.map((vector) => [vector.length, write(vector)]), body]);
    },
    decode(bytes) {
      try {
        if (isPlain) return { numbers: [], vectors: [bounded(whole.decompress(bytes))], body: noBody };
        const fields = decodeCanonical(bytes);
        if (!Array.isArray(fields) || fields.length !== 3) return null;
        const [numbers, vectors, body] = fields as unknown[];
        if (!isList(numbers, numbersMax) || !numbers.every((value) => typeof value === 'number')) return null;
        if (!isList(vectors, vectorsMax) || !(body instanceof Uint8Array)) return null;
        const read = vectors.map((item) => {
          const [length, coded] = item as [number, Uint8Array];
          if (!(Number.isInteger(length) && length > 0 && length <= size))
            throw new RangeError('no such vector');
          return bounded(compressorOf(length).decompress(coded));
        });
        return { numbers: numbers as number[], vectors: read, body };
      } catch {
        return null;
      }
    },
  };
}

/** @throws RangeError where a number is too large */
function bounded(vector: Float32Array): Float32Array {
  if (!(absMax(vector) <= magnitudeMax)) throw new RangeError('a number is too large');
  return vector;
}

/** What a store holds of a peer: in full precision. */
export function encodeState({ numbers, vectors }: Parcel, size: number): Uint8Array {
  const [model] = vectors;
  // Most methods keep their model and nothing else.
  if (
    numbers.length === 0 &&
    vectors.length === 1 &&
    model instanceof Float32Array &&
    model.length === size
  ) {
    return encodeFloat32(model);
  }
  const plain = vectors.map((vector) => {
    const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength).slice();
    return [vector.BYTES_PER_ELEMENT, bytes];
  });
  return dagCbor.encode([numbers, plain]);
}

/** null for what is no state; its meaning is the method's to check. */
export function decodeState(bytes: Uint8Array, size: number): Parcel | null {
  // Written with a frame it is longer than that.
  if (bytes.length === 4 * size) return { numbers: [], vectors: [decodeFloat32(bytes, size)], body: noBody };
  const fields = decodeCanonical(bytes);
  if (!Array.isArray(fields) || fields.length !== 2) return null;
  const [numbers, vectors] = fields as [number[], [number, Uint8Array][]];
  return {
    numbers,
    vectors: vectors.map(([width, coded]) => {
      const { buffer } = coded.slice();
      return width === 8 ? new Float64Array(buffer) : new Float32Array(buffer);
    }),
    body: noBody,
  };
}

function isList(value: unknown, lengthMax: number): value is unknown[] {
  return Array.isArray(value) && value.length <= lengthMax;
}
