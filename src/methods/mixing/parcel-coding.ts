/** Parcels of mixing methods as bytes. A parcel that is one whole vector is written as just that. */
import * as dagCbor from '@ipld/dag-cbor';
import type { Compressor } from '../../codec/compressor.ts';
import { type CompressorSpec, createCompressor } from '../../codec/compressors/registry.ts';
import { decodeFloat32, encodeFloat32 } from '../../codec/dense.ts';
import { decodeCanonical } from '../../core/canonical-cbor.ts';
import { absMax } from '../../kernels/dense-vectors.ts';
import type { Vector } from '../../math/vector.ts';
import { noBody, type Parcel, parcel } from './mixing-peer.ts';

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

export interface ParcelCodingOptions {
  readonly spec: CompressorSpec;
  /** Parameters of the model. */
  readonly size: number;
  /** Every parcel is one vector of that size. */
  readonly isPlain: boolean;
  readonly random: () => number;
  /** Of whole vectors, where it is there already. */
  readonly whole?: Compressor;
}

export class ParcelCoding {
  readonly #spec: CompressorSpec;
  readonly #size: number;
  readonly #isPlain: boolean;
  readonly #random: () => number;
  readonly #whole: Compressor;
  /** Of parts, where there are any. */
  #parts: Map<number, Compressor> | null = null;
  /** What is read back and written again need not be the same: qsgd rounds at random, to another norm each time. */
  #written: WeakMap<Vector, Uint8Array> | null = null;

  constructor({ spec, size, isPlain, random, whole = createCompressor(spec, size) }: ParcelCodingOptions) {
    this.#spec = spec;
    this.#size = size;
    this.#isPlain = isPlain;
    this.#random = random;
    this.#whole = whole;
  }

  get bytesMax(): number {
    const { bodyBytesMax } = this.#whole;
    return this.#isPlain ? bodyBytesMax : 2 * Math.max(4 * this.#size, bodyBytesMax) + frameBytes;
  }

  /** The same numbers in float32, as every receiver will read them: the vector given back is always written in the same bytes. */
  asSent(vector: Vector): Vector {
    const bytes = this.#write(vector);
    const read = this.#whole.decompress(bytes);
    this.#written ??= new WeakMap();
    this.#written.set(read, bytes);
    return read;
  }

  encode({ numbers, vectors, body }: Parcel): Uint8Array {
    if (this.#isPlain) return this.#write(vectors[0]!);
    return dagCbor.encode([numbers, vectors.map((vector) => [vector.length, this.#write(vector)]), body]);
  }

  /** null for anything that `encode` could not have written, and for numbers that no model comes to. */
  decode(bytes: Uint8Array): Parcel | null {
    try {
      if (this.#isPlain) return parcel([bounded(this.#whole.decompress(bytes))]);
      const fields = decodeCanonical(bytes);
      if (!Array.isArray(fields) || fields.length !== 3) return null;
      const [numbers, vectors, body] = fields as unknown[];
      if (!isList(numbers, numbersMax) || !numbers.every((value) => typeof value === 'number')) return null;
      if (!isList(vectors, vectorsMax) || !(body instanceof Uint8Array)) return null;
      const read = vectors.map((item) => {
        const [length, coded] = item as [number, Uint8Array];
        if (!(Number.isInteger(length) && length > 0 && length <= this.#size))
          throw new RangeError('no such vector');
        return bounded(this.#compressorOf(length).decompress(coded));
      });
      return { numbers: numbers as number[], vectors: read, body };
    } catch {
      return null;
    }
  }

  #compressorOf(length: number): Compressor {
    if (length === this.#size) return this.#whole;
    this.#parts ??= new Map();
    let known = this.#parts.get(length);
    if (!known) {
      known = createCompressor(this.#spec, length);
      this.#parts.set(length, known);
    }
    return known;
  }

  #write(vector: Vector): Uint8Array {
    const known = this.#written?.get(vector);
    if (known) return known;
    const single = vector instanceof Float32Array ? vector : Float32Array.from(vector);
    return this.#compressorOf(vector.length).compress(single, this.#random);
  }
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
