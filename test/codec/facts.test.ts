/** The figures that the codec is chosen for. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { subtractDecoded } from '../../src/codec/sparse-delta.ts';
import { sparseSignCodec } from '../../src/codec/sparse-sign-codec.ts';
import { squaredNorm } from '../../src/kernels/dense-vectors.ts';
import { type Rng, rngFor } from '../../src/math/rng.ts';

const CHUNK = 4096;
const PER_CHUNK = 64;
const size = 64 * CHUNK;
const codec = sparseSignCodec({ size, chunk: CHUNK, perChunk: PER_CHUNK });

const gaussian = (rng: Rng) => rng.normal();
const laplacian = (rng: Rng) => rng.exponential() * (rng.int(2) === 0 ? 1 : -1);

function vectorOf(draw: (rng: Rng) => number): Float32Array {
  const rng = rngFor('facts');
  // 0.01: some magnitude well inside the range of the scale codes.
  return Float32Array.from({ length: size }, () => 0.01 * draw(rng));
}

function assertWithin(actual: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(actual / expected - 1) <= tolerance, `${actual} is not ${expected} to ${tolerance}`);
}

describe('facts about the codec', () => {
  test('signs with their mean magnitude keep 2 / pi of the energy of a Gaussian', () => {
    const vector = vectorOf(gaussian);
    const all = sparseSignCodec({ size, chunk: CHUNK, perChunk: CHUNK });
    const residual = vector.slice();
    subtractDecoded(residual, all.select(vector));
    assertWithin(1 - squaredNorm(residual) / squaredNorm(vector), 2 / Math.PI, 0.01);
  });

  for (const [name, draw, share] of [
    ['Gaussian', gaussian, 0.119],
    ['Laplacian', laplacian, 0.216],
  ] as const) {
    test(`9: the 64 largest of 4096 keep ${share} of the energy of a ${name}`, () => {
      const vector = vectorOf(draw);
      const { indices } = codec.select(vector);
      const kept = indices.reduce((sum, index) => sum + vector[index]! ** 2, 0);
      assertWithin(kept / squaredNorm(vector), share, 0.03);
    });
  }

  test('12 + 2 bits for 64 of 4096 are 146.29 times less than float32; the default codec is below .137', () => {
    const fixedBits = (PER_CHUNK * (12 + 2)) / CHUNK;
    assert.equal(fixedBits, 0.21875);
    assert.equal((32 / fixedBits).toFixed(2), '146.29');
    for (const draw of [gaussian, laplacian]) {
      const bits = (codec.encode(codec.select(vectorOf(draw))).length * 8) / size;
      assert.ok(bits <= 0.137, `${bits} bits per parameter`);
      // And not below what any code of random indices and signs needs.
      assert.ok(bits > (Math.log2(64) * PER_CHUNK + PER_CHUNK) / CHUNK);
    }
  });
});
