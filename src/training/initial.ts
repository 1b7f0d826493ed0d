/** The start vector of a run: every peer builds it from the manifest and must get the same bits. */
import { createHash } from 'node:crypto';
import { endianness } from 'node:os';
import { rngFor } from '../math/rng.ts';
import { type ModelSpec, parameterCount } from '../protocol/run-spec.ts';
import { denseLayers } from './layers.ts';

/**
 * Start vector for `seed`: He-uniform kernels before ReLU (He et al.: "Delving Deep into Rectifiers", 2015),
 * Glorot-uniform for the logits (Glorot, Bengio: "Understanding the difficulty of training deep feedforward
 * neural networks", 2010), biases zero. Uniform rather than normal: it needs no logarithm or cosine, whose
 * last bits differ between engines.
 */
export function initialVector(model: ModelSpec, seed: number): Float32Array {
  const vector = new Float32Array(parameterCount(model));
  for (const layer of denseLayers(model)) {
    const bound = layer.relu ? Math.sqrt(6 / layer.inputs) : Math.sqrt(6 / (layer.inputs + layer.units));
    rngFor(`initial/${seed}/${layer.name}`).fillUniform(
      vector.subarray(layer.kernelAt, layer.biasAt),
      -bound,
      bound,
    );
  }
  return vector;
}

/** SHA-256 (hex) of the vector as little-endian float32. */
export function vectorHash(vector: Float32Array): string {
  return createHash('sha256').update(littleEndianBytes(vector)).digest('hex');
}

/** The vector's bytes as little-endian float32; a view where the machine is little-endian, else a copy. */
export function littleEndianBytes(vector: Float32Array): Uint8Array {
  const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
  return endianness() === 'LE' ? bytes : Buffer.from(bytes).swap32();
}

/** The inverse of `littleEndianBytes`, always a copy; `bytes.length` must be a multiple of 4. */
export function vectorOfLittleEndian(bytes: Uint8Array): Float32Array {
  const copy = Buffer.alloc(bytes.length);
  copy.set(bytes);
  if (endianness() !== 'LE') {
    copy.swap32();
  }
  return new Float32Array(copy.buffer, copy.byteOffset, copy.length / 4);
}
