/** The slow, readable twin of the sparse-sign codec: sorts, counts and writes bits as text. */
import type { SparseDelta } from '../../src/codec/delta-codec.ts';
import { riceParameter } from '../../src/codec/rice.ts';
import { SCALE_CODE_MAX, scaleValue } from '../../src/codec/scale.ts';
import type { SparseSignOptions } from '../../src/codec/sparse-sign-codec.ts';

export function selectByOracle(options: SparseSignOptions, vector: Float32Array): SparseDelta {
  const { size, chunk, perChunk } = options;
  const indices: number[] = [];
  const signs: number[] = [];
  const starts = [0];
  const scaleCodes: number[] = [];
  for (let start = 0; start < size; start += chunk) {
    const end = Math.min(start + chunk, size);
    const count = Math.max(1, Math.ceil((perChunk * (end - start)) / chunk));
    const chosen = Array.from({ length: end - start }, (_, i) => start + i)
      .sort((a, b) => Math.abs(vector[b]!) - Math.abs(vector[a]!) || a - b)
      .slice(0, count)
      .sort((a, b) => a - b);
    const code = scaleCodeByOracle(chosen.reduce((sum, i) => sum + Math.abs(vector[i]!), 0) / count);
    scaleCodes.push(code);
    if (code > 0) {
      indices.push(...chosen);
      signs.push(...chosen.map((i) => (vector[i]! < 0 ? -1 : 1)));
    }
    starts.push(indices.length);
  }
  return {
    size,
    chunk,
    indices: Uint32Array.from(indices),
    signs: Int8Array.from(signs),
    starts: Uint32Array.from(starts),
    scaleCodes: Uint8Array.from(scaleCodes),
  };
}

/** The code whose magnitude has the nearest logarithm, by looking at all of them. */
export function scaleCodeByOracle(magnitude: number): number {
  if (magnitude < 2 ** -27) {
    return 0;
  }
  let best = 1;
  for (let code = 2; code <= SCALE_CODE_MAX; code++) {
    const distance = Math.abs(Math.log2(magnitude) - Math.log2(scaleValue(code)));
    if (distance <= Math.abs(Math.log2(magnitude) - Math.log2(scaleValue(best)))) {
      best = code;
    }
  }
  return best;
}

export function encodeByOracle(options: SparseSignOptions, delta: SparseDelta): Uint8Array {
  let bits = '';
  delta.scaleCodes.forEach((_, c) => {
    const start = c * options.chunk;
    const length = Math.min(options.chunk, options.size - start);
    const owned = delta.indices.subarray(delta.starts[c], delta.starts[c + 1]);
    const riceBits = riceParameter(length, owned.length);
    owned.forEach((index, i) => {
      const gap = index - (i === 0 ? start - 1 : owned[i - 1]!) - 1;
      bits += `${'0'.repeat(Math.floor(gap / 2 ** riceBits))}1`;
      bits += riceBits === 0 ? '' : (gap % 2 ** riceBits).toString(2).padStart(riceBits, '0');
      bits += delta.signs[delta.starts[c]! + i] === -1 ? '1' : '0';
    });
  });
  const bytes = bits.match(/.{1,8}/g) ?? [];
  return Uint8Array.from([
    ...delta.scaleCodes,
    ...bytes.map((byte) => Number.parseInt(byte.padEnd(8, '0'), 2)),
  ]);
}
