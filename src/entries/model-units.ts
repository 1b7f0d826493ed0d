/** A model as replicas add it up: integers in units of 2^-42, in doubles that hold them exactly; and as the bytes of a state. */
import { unitsPerOne } from '../codec/scale.ts';
import { scaledToFloat32 } from '../kernels/dense-vectors.ts';

/** Coordinates are clamped to this many units either way: 1024. */
export const unitsMax = 2 ** 52;

/** The model as float32. */
export function vectorOfUnits(units: Float64Array): Float32Array {
  // The inverse of a power of two is exact.
  return scaledToFloat32(units, 1 / unitsPerOne);
}

/** The other way, each as near as it comes. */
export function unitsOf(vector: Float32Array): Float64Array {
  const units = new Float64Array(vector.length);
  for (let i = 0; i < units.length; i++) {
    const value = Math.round(vector[i]! * unitsPerOne) + 0;
    units[i] = Math.max(-unitsMax, Math.min(unitsMax, value));
  }
  return units;
}

/** Length of what else there is (uint32, big endian), that, then the units as little-endian doubles. */
export function encodeWithUnits(metadata: Uint8Array, units: Float64Array): Uint8Array {
  const bytes = new Uint8Array(4 + metadata.length + 8 * units.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, metadata.length);
  bytes.set(metadata, 4);
  for (let i = 0, at = 4 + metadata.length; i < units.length; i++, at += 8) {
    view.setFloat64(at, units[i]! + 0, true);
  }
  return bytes;
}

/** Null for anything that `encodeWithUnits` does not write of a model of `size` parameters and no more else than this. */
export function decodeWithUnits(
  bytes: Uint8Array,
  size: number,
  metadataBytesMax: number,
): { readonly metadata: Uint8Array; readonly units: Float64Array } | null {
  if (bytes.length < 4) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const metadataBytes = view.getUint32(0);
  if (metadataBytes > metadataBytesMax || bytes.length !== 4 + metadataBytes + 8 * size) return null;
  const units = new Float64Array(size);
  for (let i = 0, at = 4 + metadataBytes; i < size; i++, at += 8) {
    const value = view.getFloat64(at, true);
    if (!Number.isInteger(value) || Math.abs(value) > unitsMax || Object.is(value, -0)) return null;
    units[i] = value;
  }
  return { metadata: bytes.subarray(4, 4 + metadataBytes), units };
}
