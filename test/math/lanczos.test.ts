/** Against matrices whose eigenvalues are known. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { largestModulus } from '../../src/math/lanczos.ts';
import { rngFor } from '../../src/math/rng.ts';

const drawn = (n: number, seed: string) => {
  const rng = rngFor(seed);
  return Float64Array.from({ length: n }, () => rng.normal());
};
const options = (n: number, stepsMax = 400) => ({
  start: drawn(n, `start/${n}`),
  tolerance: 1e-10,
  stepsMax,
});

describe('the largest eigenvalue in modulus', () => {
  test('of diagonal matrices, close to others, negative, or the only one', () => {
    for (const values of [[3], [1, -2], [5, 5, 5], [0, 0, 0], [1, 1 - 1e-6, 0.3], [-1, 1 - 1e-9, 0.5]]) {
      const found = largestModulus((x) => x.map((value, i) => value * values[i]!), options(values.length));
      const known = Math.max(...values.map(Math.abs));
      assert.ok(found !== null && Math.abs(found - known) < 1e-9, `${values}: ${found}`);
    }
  });

  test('of second differences on a line: 2 + 2 cos(pi / (n + 1))', () => {
    for (const n of [2, 9, 10, 11, 60, 300]) {
      const apply = (x: Float64Array) => x.map((value, i) => 2 * value - (x[i - 1] ?? 0) - (x[i + 1] ?? 0));
      const found = largestModulus(apply, options(n));
      assert.ok(
        found !== null && Math.abs(found - (2 + 2 * Math.cos(Math.PI / (n + 1)))) < 1e-9,
        `${n}: ${found}`,
      );
    }
  });

  test('is not told where it was not found', () => {
    const apply = (x: Float64Array) => x.map((value, i) => value * (1 - i * 1e-4));
    assert.equal(largestModulus(apply, options(3000, 20)), null);
  });
});
