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
import { RiceReader, RiceWriter } from '../kernels/rice-stream.ts';
import { selectLargest } from '../kernels/selection.ts';
import { CodecError, type DeltaCodec, type SparseDelta } from './delta-codec.ts';
import { riceBitsMax, riceParameter } from './rice.ts';
import { nearestScaleCode, SCALE_CODE_MAX } from './scale.ts';

/** As in the run manifest. */
const chunkMax = 65536;

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

/** How a vector is cut into chunks. */
interface Cut {
  readonly size: number;
  readonly chunk: number;
  readonly perChunk: number;
  /** Number of chunks. */
  readonly chunks: number;
  readonly bodyBytesMax: number;
  layoutOf(c: number): ChunkLayout;
}

/** Builds the codec. @throws RangeError for impossible options. `select` throws NonFiniteError. */
export function sparseSignCodec(options: SparseSignOptions): DeltaCodec<SparseDelta> {
  const cut = cutOf(options);
  return {
    id: 'sparse-sign',
    bodyBytesMax: cut.bodyBytesMax,
    select: (vector) => select(cut, vector),
    encode: (delta) => encode(cut, delta),
    decode: (body) => decode(cut, body),
  };
}

function cutOf({ size, chunk, perChunk }: SparseSignOptions): Cut {
  assertInRange('size', size, 1, 2 ** 32 - 1);
  assertInRange('chunk', chunk, 1, chunkMax);
  assertInRange('perChunk', perChunk, 1, chunk);
  const chunks = Math.ceil(size / chunk);
  const full = Math.floor(size / chunk);
  const fullLayout = chunkLayout(0, chunk, chunk, perChunk);
  const lastLayout = chunkLayout((chunks - 1) * chunk, size, chunk, perChunk);
  const bitsMax = full * layoutBitsMax(fullLayout) + (chunks - full) * layoutBitsMax(lastLayout);
  return {
    size,
    chunk,
    perChunk,
    chunks,
    bodyBytesMax: chunks + Math.ceil(bitsMax / 8),
    layoutOf: (c) => (c < full ? { ...fullLayout, start: c * chunk, end: (c + 1) * chunk } : lastLayout),
  };
}

function select(cut: Cut, vector: Float32Array): SparseDelta {
  const { size, chunk, perChunk, chunks } = cut;
  if (vector.length !== size) {
    throw new RangeError(`the codec is for ${size} coordinates, the vector has ${vector.length}`);
  }
  const indices = new Uint32Array(chunks * perChunk);
  const signs = new Int8Array(indices.length);
  const starts = new Uint32Array(chunks + 1);
  const scaleCodes = new Uint8Array(chunks);
  const to = { indices, signs };
  let at = 0;
  for (let c = 0; c < chunks; c++) {
    const { start, end, count } = cut.layoutOf(c);
    const sum = selectLargest(vector, start, end, count, to, at);
    scaleCodes[c] = nearestScaleCode(sum / count);
    if (scaleCodes[c] !== 0) {
      at += count;
    }
    starts[c + 1] = at;
  }
  return { size, chunk, indices: indices.slice(0, at), signs: signs.slice(0, at), starts, scaleCodes };
}

function encode(cut: Cut, delta: SparseDelta): Uint8Array {
  const { size, chunk, chunks } = cut;
  if (delta.size !== size || delta.chunk !== chunk || delta.scaleCodes.length !== chunks) {
    throw new RangeError('the delta is of another size or chunk than the codec');
  }
  const body = new Uint8Array(cut.bodyBytesMax);
  body.set(delta.scaleCodes);
  const writer = new RiceWriter(body, chunks);
  for (let c = 0; c < chunks; c++) {
    const layout = cut.layoutOf(c);
    const [first, last] = [delta.starts[c]!, delta.starts[c + 1]!];
    if (last - first !== (delta.scaleCodes[c] === 0 ? 0 : layout.count)) {
      throw new RangeError(`chunk ${c} of the delta has ${last - first} indices`);
    }
    if (last > first) {
      writer.write(delta.indices.subarray(first, last), delta.signs.subarray(first, last), layout);
    }
  }
  return body.slice(0, writer.finish());
}

function decode(cut: Cut, body: Uint8Array): SparseDelta {
  const { size, chunk, chunks } = cut;
  const { scaleCodes, starts } = decodeScales(cut, body);
  const indices = new Uint32Array(starts[chunks]!);
  const signs = new Int8Array(indices.length);
  const reader = new RiceReader(body, chunks);
  for (let c = 0; c < chunks; c++) {
    const [first, last] = [starts[c]!, starts[c + 1]!];
    if (first === last) continue;
    const layout = cut.layoutOf(c);
    const fault = reader.read(
      indices.subarray(first, last),
      signs.subarray(first, last),
      layout,
      layoutBitsMax(layout),
    );
    if (fault !== null) throw new CodecError(`chunk ${c}: ${fault}`);
  }
  if (!reader.isAtEnd()) {
    throw new CodecError('the body is longer than its bit stream, or its padding is not zero');
  }
  return { size, chunk, indices, signs, starts, scaleCodes };
}

/** What precedes the bit stream, and with it how many indices to make room for: never more than the body can hold. */
function decodeScales(cut: Cut, body: Uint8Array): Pick<SparseDelta, 'scaleCodes' | 'starts'> {
  const { chunks, bodyBytesMax } = cut;
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
      const { count, riceBits } = cut.layoutOf(c);
      total += count;
      bitsMin += count * (riceBits + 2);
    }
    starts[c + 1] = total;
  }
  if (body.length < chunks + Math.ceil(bitsMin / 8)) {
    throw new CodecError(`the body is too short for ${total} indices`);
  }
  return { scaleCodes, starts };
}

function chunkLayout(start: number, end: number, chunk: number, perChunk: number): ChunkLayout {
  const length = end - start;
  const count = Math.max(1, Math.ceil((perChunk * length) / chunk));
  return { start, end, count, riceBits: riceParameter(length, count) };
}

function layoutBitsMax(layout: ChunkLayout): number {
  return riceBitsMax(layout.end - layout.start, layout.count) + layout.count;
}

function assertInRange(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${name} must be an integer from ${min} to ${max}, not ${value}`);
  }
}
