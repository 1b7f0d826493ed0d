import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { mean, median, quantile } from '../../src/math/statistics.ts';
import * as vector from '../../src/math/vector.ts';

const floats = (...values: number[]) => Float32Array.from(values);

describe('vector kernels', () => {
  test('compute what they are named after', () => {
    const a = floats(1, -2, 3);
    const b = floats(4, 5, -6);
    assert.equal(vector.squaredDistance(a, b), 9 + 49 + 81);
    assert.deepEqual(vector.meanOfVectors([a, b]), floats(2.5, 1.5, -1.5));
    vector.addScaled(b, -0.5, a);
    assert.deepEqual(b, floats(3.5, 6, -7.5));
    assert.deepEqual(a, floats(1, -2, 3));
  });

  test('sums run in float64: 2^24 ones and one more are not lost', () => {
    const a = floats(4096, 1, 1, 1);
    assert.equal(vector.squaredDistance(a, floats(0, 0, 0, 0)), 2 ** 24 + 3);
    assert.deepEqual(
      vector.meanOfVectors([floats(2 ** 24), floats(1), floats(1)]),
      floats((2 ** 24 + 2) / 3),
    );
  });

  test('allFinite finds a bad number wherever it is', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 }),
        fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
        fc.nat(),
        (values, bad, at) => {
          const a = Float32Array.from(values);
          assert.equal(vector.allFinite(a), true);
          a[at % a.length] = bad;
          assert.equal(vector.allFinite(a), false);
        },
      ),
    );
  });

  test('refuse vectors of different lengths, and the mean of none', () => {
    assert.throws(() => vector.squaredDistance(floats(1), floats(1, 2)), RangeError);
    assert.throws(() => vector.meanOfVectors([]), RangeError);
    assert.throws(() => vector.meanOfVectors([floats(1), floats(1, 2)]), RangeError);
  });
});

describe('statistics', () => {
  test('mean, median and quantiles', () => {
    assert.equal(mean([1, 2, 6]), 3);
    assert.equal(median([5, 1, 3]), 3);
    assert.equal(median([10, 1, 2, 3]), 2.5);
    assert.equal(median([9, 10, 100]), 10);
    assert.equal(quantile([0, 10, 20, 30, 40], 0.25), 10);
    assert.equal(quantile([0, 10], 0.3), 3);
    assert.equal(quantile([7], 1), 7);
  });

  test('do not modify their argument and refuse an empty one', () => {
    const values = [3, 1, 2];
    median(values);
    assert.deepEqual(values, [3, 1, 2]);
    assert.throws(() => mean([]), RangeError);
    assert.throws(() => median([]), RangeError);
    assert.throws(() => quantile([1], 1.1), RangeError);
    assert.throws(() => quantile([1], Number.NaN), RangeError);
  });

  test('the median lies between the extremes and halves the list', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1 }), (values) => {
        const middle = median(values);
        assert.ok(values.filter((value) => value < middle).length <= values.length / 2);
        assert.ok(values.filter((value) => value > middle).length <= values.length / 2);
      }),
    );
  });
});
