/** Hashes of what messages and vectors hold, for the trace. */
import { hash } from 'node:crypto';
import { viewFloat32 } from '../src/codec/dense.ts';

/** 32 bytes as characters 0 to 255: as text a hash costs a third of what it costs as a Buffer. */
export type Digest = string;

const scratch = Buffer.alloc(8192);

/** SHA-256 of the concatenation of `parts`, each preceded by its length as a 32-bit number. */
export function digestOf(...parts: readonly Uint8Array[]): Digest {
  let total = 4 * parts.length;
  for (const part of parts) total += part.length;
  const joined = total <= scratch.length ? scratch : Buffer.alloc(total);
  let at = 0;
  for (const part of parts) {
    joined.writeUInt32LE(part.length, at);
    joined.set(part, at + 4);
    at += 4 + part.length;
  }
  return hash('sha256', joined.subarray(0, at), 'binary');
}

/** SHA-256 of a vector as little-endian float32. */
export function digestOfVector(vector: Float32Array): Digest {
  return hash('sha256', viewFloat32(vector), 'binary');
}
