/**
 * The default codec: per chunk the k largest coordinates, one sign each and one shared magnitude. Signs with a
 * mean magnitude after "signSGD with majority vote" (Bernstein 2018) and "Error feedback fixes SignSGD"
 * (Karimireddy 2019), top-k per chunk after SparseLoCo (2025), gaps by Rice coding (rice.ts).
 *
 * A vector of `size` coordinates has ceil(size / chunk) chunks; the last may be shorter. A chunk of `length`
 * coordinates is empty or carries exactly K = max(1, ceil(perChunk * length / chunk)) indices. The body, where
 * size, chunk and perChunk are known from the manifest:
 *
 *     scale codes     one byte per chunk: 0 for an empty chunk, 1..224 as in scale.ts
 *     bit stream      most significant bit of each byte first; for each non-empty chunk, for each of its K
 *                     indices in ascending order:
 *       quotient        gap >> b zero bits, then a one bit, where gap = index - previous index - 1 within the
 *                       chunk (previous is -1 at first) and b = riceParameter(length, K)
 *       remainder       the low b bits of gap, most significant first
 *       sign            1 for negative, 0 for positive
 *     padding         zero bits up to the end of the byte, at most 7
 *
 * Nothing else follows. So a delta has one body, and a body one delta: `decode` refuses everything else.
 * A body tells nothing about zero coordinates: where a chunk has fewer than K others, the lowest zeros are sent
 * as positive, which keeps the count fixed and the error feedback exact.
 */
import { BitReader, BitWriter } from './bits.ts';
import { CodecError, type DeltaCodec, type SparseDelta } from './delta-codec.ts';
import { riceBitsMax, riceParameter } from './rice.ts';
import { nearestScaleCode, SCALE_CODE_MAX, scaleUnits, scaleValue } from './scale.ts';
import { ChunkSelector } from './top-k.ts';

/** As in the run manifest. */
export const chunkMax = 65536;

export interface SparseSignOptions {
  /** Number of coordinates of the dense vector. */
  readonly size: number;
  /** Coordinates per chunk, at most `chunkMax`. */
  readonly chunk: number;
  /** Coordinates sent per full chunk (k), at most `chunk`. */
  readonly perChunk: number;
}

/** The shape of one chunk on the wire. */
interface ChunkLayout {
  readonly start: number;
  readonly end: number;
  /** Number of indices when it is not empty. */
  readonly count: number;
  readonly riceBits: number;
}

/** Builds the codec. @throws RangeError for impossible options. `select` throws NonFiniteError (top-k.ts). */
export function sparseSignCodec(options: SparseSignOptions): DeltaCodec {
  const { size, chunk, perChunk } = options;
  assertInRange('size', size, 1, 2 ** 32 - 1);
  assertInRange('chunk', chunk, 1, chunkMax);
  assertInRange('perChunk', perChunk, 1, chunk);
  const chunks = Math.ceil(size / chunk);
  const full = Math.floor(size / chunk);
  const fullLayout = chunkLayout(0, chunk, chunk, perChunk);
  const lastLayout = chunkLayout((chunks - 1) * chunk, size, chunk, perChunk);
  const layoutOf = (c: number): ChunkLayout =>
    c < full ? { ...fullLayout, start: c * chunk, end: (c + 1) * chunk } : lastLayout;
  const bodyBytesMax =
    chunks + Math.ceil((full * layoutBitsMax(fullLayout) + (chunks - full) * layoutBitsMax(lastLayout)) / 8);

  function select(vector: Float32Array): SparseDelta {
    if (vector.length !== size) {
      throw new RangeError(`the codec is for ${size} coordinates, the vector has ${vector.length}`);
    }
    const selector = new ChunkSelector(vector, chunk, perChunk);
    const indices = new Uint32Array(chunks * perChunk);
    const signs = new Int8Array(indices.length);
    const starts = new Uint32Array(chunks + 1);
    const scaleCodes = new Uint8Array(chunks);
    let at = 0;
    for (let c = 0; c < chunks; c++) {
      const { start, end, count } = layoutOf(c);
      selector.select(start, end, count, indices, at);
      let sum = 0;
      for (let i = at; i < at + count; i++) {
        const value = vector[indices[i]!]!;
        sum += Math.abs(value);
        signs[i] = value < 0 ? -1 : 1;
      }
      scaleCodes[c] = nearestScaleCode(sum / count);
      if (scaleCodes[c] !== 0) {
        at += count;
      }
      starts[c + 1] = at;
    }
    return { size, chunk, indices: indices.slice(0, at), signs: signs.slice(0, at), starts, scaleCodes };
  }

  function encode(delta: SparseDelta): Uint8Array {
    if (delta.size !== size || delta.chunk !== chunk || delta.scaleCodes.length !== chunks) {
      throw new RangeError('the delta is of another size or chunk than the codec');
    }
    const body = new Uint8Array(bodyBytesMax);
    body.set(delta.scaleCodes);
    const writer = new BitWriter(body, chunks);
    for (let c = 0; c < chunks; c++) {
      const { start, end, count, riceBits } = layoutOf(c);
      const first = delta.starts[c]!;
      const last = delta.starts[c + 1]!;
      if (last - first !== (delta.scaleCodes[c] === 0 ? 0 : count)) {
        throw new RangeError(`chunk ${c} of the delta has ${last - first} indices`);
      }
      let previous = start - 1;
      for (let i = first; i < last; i++) {
        const index = delta.indices[i]!;
        const gap = index - previous - 1;
        if (gap < 0 || index >= end) {
          throw new RangeError(`index ${index} of chunk ${c} is out of order or outside the chunk`);
        }
        writer.writeZeros(gap >> riceBits);
        // The one bit that ends the quotient, the remainder and the sign in one go.
        const remainder = gap & ((1 << riceBits) - 1);
        writer.write((((1 << riceBits) | remainder) << 1) | (delta.signs[i]! < 0 ? 1 : 0), riceBits + 2);
        previous = index;
      }
    }
    return body.slice(0, writer.finish());
  }

  function decode(body: Uint8Array): SparseDelta {
    if (body.length < chunks || body.length > bodyBytesMax) {
      throw new CodecError(`a body has ${chunks} to ${bodyBytesMax} bytes, this one ${body.length}`);
    }
    const scaleCodes = body.slice(0, chunks);
    const starts = new Uint32Array(chunks + 1);
    let total = 0;
    let bitsMin = 0;
    for (let c = 0; c < chunks; c++) {
      if (scaleCodes[c]! > SCALE_CODE_MAX) {
        throw new CodecError(`chunk ${c} has the invalid scale code ${scaleCodes[c]}`);
      }
      if (scaleCodes[c] !== 0) {
        const { count, riceBits } = layoutOf(c);
        total += count;
        bitsMin += count * (riceBits + 2);
      }
      starts[c + 1] = total;
    }
    if (body.length < chunks + Math.ceil(bitsMin / 8)) {
      throw new CodecError(`the body is too short for ${total} indices`);
    }
    const indices = new Uint32Array(total);
    const signs = new Int8Array(total);
    const reader = new BitReader(body, chunks);
    for (let c = 0; c < chunks; c++) {
      const last = starts[c + 1]!;
      let at = starts[c]!;
      if (at === last) {
        continue;
      }
      const { start, end, riceBits } = layoutOf(c);
      let previous = start - 1;
      for (; at < last; at++) {
        // Leaves room for the indices that must follow.
        const gapMax = end - (last - at) - previous - 1;
        const quotient = reader.readZeros(gapMax >> riceBits);
        const rest = reader.read(riceBits + 1);
        const gap = (quotient << riceBits) | (rest >> 1);
        if (gap > gapMax) {
          throw new CodecError('a gap leaves its chunk');
        }
        previous += gap + 1;
        indices[at] = previous;
        signs[at] = 1 - 2 * (rest & 1);
      }
    }
    reader.finish();
    return { size, chunk, indices, signs, starts, scaleCodes };
  }

  return { id: 'sparse-sign', bodyBytesMax, select, encode, decode };
}

/** vector -= what is sent: sign * scaleValue at each index, rounded once to the vector's own precision. */
export function subtractDecoded(vector: Float32Array | Float64Array, delta: SparseDelta): void {
  addMultiple(vector, delta, -1);
}

/** vector += what is sent. */
export function addDecoded(vector: Float32Array | Float64Array, delta: SparseDelta): void {
  addMultiple(vector, delta, 1);
}

function addMultiple(vector: Float32Array | Float64Array, delta: SparseDelta, factor: 1 | -1): void {
  assertSize(vector, delta);
  const { indices, signs, starts, scaleCodes } = delta;
  for (let c = 0; c < scaleCodes.length; c++) {
    const value = factor * scaleValue(scaleCodes[c]!);
    const last = starts[c + 1]!;
    for (let i = starts[c]!; i < last; i++) {
      const index = indices[i]!;
      vector[index] = vector[index]! + signs[i]! * value;
    }
  }
}

/** Squared Euclidean norm of what is sent: count * scaleValue^2 summed in chunk order, in float64. */
export function squaredNorm(delta: SparseDelta): number {
  let sum = 0;
  for (let c = 0; c < delta.scaleCodes.length; c++) {
    const value = scaleValue(delta.scaleCodes[c]!);
    sum += (delta.starts[c + 1]! - delta.starts[c]!) * (value * value);
  }
  return sum;
}

/**
 * units += sign * round(scaleUnits * multiplier) at each index, in units of 2^-UNIT_BITS. Every term is an integer
 * below 2^44 for |multiplier| <= 1, and sums of integers are exact in float64 below 2^53: so up to 512 deltas
 * give the same bits in any order, and adding one again with the opposite sign takes it out without a trace.
 */
export function accumulate(units: Float64Array, delta: SparseDelta, multiplier: number): void {
  assertSize(units, delta);
  const { indices, signs, starts, scaleCodes } = delta;
  for (let c = 0; c < scaleCodes.length; c++) {
    // Of the absolute value: Math.round treats halves of opposite sign differently.
    const magnitude = Math.round(scaleUnits(scaleCodes[c]!) * Math.abs(multiplier));
    const term = multiplier < 0 ? -magnitude : magnitude;
    const last = starts[c + 1]!;
    for (let i = starts[c]!; i < last; i++) {
      const index = indices[i]!;
      units[index] = units[index]! + signs[i]! * term;
    }
  }
}

function chunkLayout(start: number, end: number, chunk: number, perChunk: number): ChunkLayout {
  const length = end - start;
  const count = Math.max(1, Math.ceil((perChunk * length) / chunk));
  return { start, end, count, riceBits: riceParameter(length, count) };
}

function layoutBitsMax(layout: ChunkLayout): number {
  return riceBitsMax(layout.end - layout.start, layout.count) + layout.count;
}

function assertSize(vector: Float32Array | Float64Array, delta: SparseDelta): void {
  if (vector.length !== delta.size) {
    throw new RangeError(`a delta of ${delta.size} coordinates does not fit a vector of ${vector.length}`);
  }
}

function assertInRange(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${name} must be an integer from ${min} to ${max}, not ${value}`);
  }
}
