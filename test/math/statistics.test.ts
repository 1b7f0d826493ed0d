import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mean, median, quantile, weightedMedian } from '../../src/math/statistics.ts';

test('a weighted median is that of a list in which every value stands as often as it weighs, in any order', () => {
  const one = fc.record({ value: fc.integer({ min: -50, max: 50 }), times: fc.integer({ min: 1, max: 5 }) });
  fc.assert(
    fc.property(fc.array(one, { minLength: 1, maxLength: 9 }), (list) => {
      const values = list.map(({ value }) => value);
      const weights = list.map(({ times }) => times);
      const spread = list.flatMap(({ value, times }) => new Array<number>(times).fill(value));
      assert.equal(weightedMedian(values, weights), median(spread));
      assert.equal(weightedMedian(values.toReversed(), weights.toReversed()), median(spread));
    }),
  );
});

test('an empty list has no middle', () => {
  for (const summary of [mean, median, (list: number[]) => quantile(list, 0.1)])
    assert.throws(() => summary([]), RangeError);
  assert.throws(() => weightedMedian([], []), RangeError);
});
