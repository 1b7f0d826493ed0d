/** Whole vectors as little-endian float32: for snapshots and for methods that send the model itself. */
import { CodecError } from './delta-codec.ts';

const BYTES_PER_VALUE = 4;
/** On such machines, nearly all, a vector's memory is its encoding. */
const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Short vectors lie among the engine's own objects: a view of one would move it out of there, which costs more than copying it. */
const shortMax = 64;
const shortVector = new Float32Array(shortMax);
const shortBytes = new Uint8Array(shortVector.buffer);

/** The encoding of a vector, to be read at once: a view of its memory where that is the encoding. */
export function viewFloat32(vector: Float32Array): Uint8Array {
  if (!isLittleEndian) return encodeFloat32(vector);
  if (vector.length > shortMax) return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
  shortVector.set(vector);
  return shortBytes.subarray(0, vector.byteLength);
}

/** The values in order, four bytes each, little-endian; NaNs and infinities as they are. */
export function encodeFloat32(vector: Float32Array): Uint8Array {
  if (isLittleEndian) return viewFloat32(vector).slice();
  const bytes = new Uint8Array(vector.length * BYTES_PER_VALUE);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < vector.length; i++) {
    view.setFloat32(i * BYTES_PER_VALUE, vector[i]!, true);
  }
  return bytes;
}

/** A fresh vector of `size` finite values. @throws CodecError for another length or a value that is not finite */
export function decodeFloat32(bytes: Uint8Array, size: number): Float32Array {
  if (bytes.length !== size * BYTES_PER_VALUE) {
    throw new CodecError(`${size} float32 values have ${size * BYTES_PER_VALUE} bytes, not ${bytes.length}`);
  }
  const vector = new Float32Array(size);
  if (isLittleEndian && size <= shortMax) {
    shortBytes.set(bytes);
    for (let i = 0; i < size; i++) vector[i] = shortVector[i]!;
  } else if (isLittleEndian) new Uint8Array(vector.buffer).set(bytes);
  else {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i < size; i++) vector[i] = view.getFloat32(i * BYTES_PER_VALUE, true);
  }
  for (let i = 0; i < size; i++) {
    if (!Number.isFinite(vector[i])) throw new CodecError(`value ${i} is not a finite number`);
  }
  return vector;
}
