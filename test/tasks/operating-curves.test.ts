/** Intervals and curves of classifiers, held against what they are by definition. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Assessment, areaUnderCurve } from '../../src/tasks/assessment.ts';
import {
  areaDifference,
  areaInterval,
  calibrationCurve,
  rocCurve,
} from '../../src/tasks/operating-curves.ts';

const of = (negative: readonly number[], positive: readonly number[]): Assessment => ({
  examples: negative.length + positive.length,
  confusion: [],
  calibration: null,
  scores: [negative, positive],
});

// Few different values, so that ties occur.
const scores = fc.array(
  fc.integer({ min: 0, max: 12 }).map((value) => value / 12),
  { minLength: 2, maxLength: 25 },
);

/** The jackknife over both samples: for a statistic of pairs such as this it is DeLong's variance, by algebra alone. */
function jackknifeVariance(negative: readonly number[], positive: readonly number[]): number {
  const area = areaUnderCurve(of(negative, positive))!;
  const half = (left: readonly number[], without: (at: number) => Assessment) => {
    const squares = left.map((_, at) => (areaUnderCurve(without(at))! - area) ** 2);
    return ((left.length - 1) / left.length) * squares.reduce((sum, one) => sum + one, 0);
  };
  return (
    half(negative, (at) => of(negative.toSpliced(at, 1), positive)) +
    half(positive, (at) => of(negative, positive.toSpliced(at, 1)))
  );
}

test("DeLong's interval is as wide as the jackknife says", () => {
  fc.assert(
    fc.property(scores, scores, (negative, positive) => {
      const area = areaUnderCurve(of(negative, positive))!;
      const half = 1.959963984540054 * Math.sqrt(jackknifeVariance(negative, positive));
      const found = areaInterval(of(negative, positive));
      if (half < 1e-7) {
        assert.ok(found === null || found.high - found.low < 1e-6);
        return;
      }
      assert.ok(Math.abs(found!.low - Math.max(0, area - half)) < 1e-9);
      assert.ok(Math.abs(found!.high - Math.min(1, area + half)) < 1e-9);
    }),
  );
});

test('by hand: two of three pairs against two of three', () => {
  // Placements of the positive: 1/2, 1; of the negative: 1, 1/2. Area 3/4, variance (1/8 + 1/8) / 2.
  const { low, high } = areaInterval(of([0.1, 0.5], [0.4, 0.9]))!;
  assert.ok(Math.abs(low - (0.75 - 1.959963984540054 * Math.sqrt(1 / 8))) < 1e-12);
  assert.equal(high, 1);
});

test('a difference is as sure as the jackknife over the same examples says', () => {
  const pairs = fc.array(fc.tuple(fc.nat(9), fc.nat(9)), { minLength: 2, maxLength: 15 });
  fc.assert(
    fc.property(pairs, pairs, (negative, positive) => {
      const one = (which: 0 | 1, skip: [number, number]) =>
        of(
          negative.filter((_, at) => at !== skip[0]).map((pair) => pair[which]),
          positive.filter((_, at) => at !== skip[1]).map((pair) => pair[which]),
        );
      const apart = (skip: [number, number]) => areaUnderCurve(one(0, skip))! - areaUnderCurve(one(1, skip))!;
      const whole = apart([-1, -1]);
      const half = (left: readonly unknown[], skip: (at: number) => [number, number]) =>
        ((left.length - 1) / left.length) *
        left.reduce<number>((sum, _, at) => sum + (apart(skip(at)) - whole) ** 2, 0);
      const variance = half(negative, (at) => [at, -1]) + half(positive, (at) => [-1, at]);
      const found = areaDifference(one(0, [-1, -1]), one(1, [-1, -1]));
      if (variance < 1e-15) {
        assert.ok(found === null || found.high - found.low < 1e-6);
        return;
      }
      assert.ok(Math.abs(found!.difference - whole) < 1e-9);
      assert.ok(Math.abs(found!.high - found!.difference - 1.959963984540054 * Math.sqrt(variance)) < 1e-9);
    }),
  );
});

test('where nothing can be said of the spread there is no interval', () => {
  assert.equal(areaInterval(of([0.1], [0.4, 0.9])), null);
  assert.equal(areaInterval(of([], [0.4, 0.9])), null);
  assert.equal(areaInterval(of([0.1, 0.2], [0.4, 0.9])), null);
  assert.equal(areaInterval({ examples: 3, confusion: [], calibration: null, scores: null }), null);
});

test('the area under the curve that is drawn is the area that is told', () => {
  fc.assert(
    fc.property(scores, scores, (negative, positive) => {
      const points = rocCurve(of(negative, positive))!;
      let area = 0;
      for (const [at, { x, y }] of points.entries()) {
        const { x: from, y: below } = points[at - 1] ?? { x, y };
        assert.ok(x >= from && y >= below);
        area += ((x - from) * (y + below)) / 2;
      }
      assert.deepEqual(
        [points[0], points.at(-1)],
        [
          { x: 0, y: 0 },
          { x: 1, y: 1 },
        ],
      );
      assert.ok(Math.abs(area - areaUnderCurve(of(negative, positive))!) < 1e-9);
    }),
  );
  assert.equal(rocCurve(of([], [1])), null);
});

test('groups of rising scores: their mean, and how many were of class 1', () => {
  const one = of([0.1, 0.2, 0.6], [0.3, 0.7, 0.8]);
  assert.deepEqual(
    calibrationCurve(one, 2)!.map(({ x, y }) => [Number(x.toFixed(9)), Number(y.toFixed(9))]),
    [
      [0.2, 0.333333333],
      [0.7, 0.666666667],
    ],
  );
  assert.equal(calibrationCurve(one, 100)!.length, 6);
  assert.deepEqual(calibrationCurve(of([], []), 5), []);
});
