/** The start vector of a run: every peer builds it from the manifest and must get the same bits. */
import { createHash } from 'node:crypto';
import { endianness } from 'node:os';
import { rngFor } from '../math/rng.ts';
import { TrainerNeededError } from '../tasks/models/external/trainer-needed-error.ts';
import { modelLayout, parameterCount } from '../tasks/models/model-layout.ts';
import { externalFactsOf, type ModelSpec } from '../tasks/models/registry.ts';

/** Start vector for `seed`: every tensor of `modelLayout` is drawn from a random stream of its own name. @throws TrainerNeededError */
export function initialVector(model: ModelSpec, seed: number): Float32Array {
  const vector = new Float32Array(parameterCount(model));
  for (const { name, start, at, length } of modelLayout(model)) {
    const part = vector.subarray(at, at + length);
    switch (start.kind) {
      case 'zeros':
        break;
      case 'ones':
        part.fill(1);
        break;
      case 'ones-among-zeros':
        part.fill(1, start.from, start.to);
        break;
      case 'uniform':
        rngFor(`initial/${seed}/${name}`).fillUniform(part, -start.bound, start.bound);
        break;
      case 'given':
        throw new TrainerNeededError(`the start vector of a model of kind ${model.kind} is built`);
      default:
        start satisfies never;
    }
  }
  return vector;
}

/** What every peer must start from. */
export function startHash(model: ModelSpec, seed: number): string {
  return externalFactsOf(model)?.initHash ?? vectorHash(initialVector(model, seed));
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

/** The vector of a file's bytes, little-endian float32: the same memory where the machine is little-endian. `bytes` is given up. */
export function vectorOfFile(bytes: Uint8Array): Float32Array {
  if (endianness() !== 'LE') Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).swap32();
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
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
