import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rngFor } from '../../src/math/rng.ts';
import { balancedAccuracy, bootstrapped, macroF1, wilson } from '../../src/tasks/intervals.ts';

const near = (value: number, expected: number, within: number) =>
  assert.ok(Math.abs(value - expected) <= within, `${value}, not ${expected}`);

test("Wilson's interval is that of the literature", () => {
  // Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I, method 3.
  for (const [hits, cases, low, high] of [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ] as const) {
    const interval = wilson(hits, cases);
    near(interval.low, low, 5e-5);
    near(interval.high, high, 5e-5);
  }
  assert.throws(() => wilson(0, 0), RangeError);
});

test('balanced accuracy and macro F1 pass over classes of which there is nothing', () => {
  const matrix = [
    [8, 2, 0],
    [1, 9, 0],
    [0, 0, 0],
  ];
  near(balancedAccuracy(matrix), 0.85, 1e-12);
  near(macroF1(matrix), (16 / 19 + 18 / 21) / 2, 1e-12);
  // A class that is said and is never there counts, with nothing right.
  near(
    macroF1([
      [8, 2],
      [0, 0],
    ]),
    (16 / 18 + 0) / 2,
    1e-12,
  );
});

test('the bootstrap covers what it should, agrees with Wilson on a share, and is the same every time', () => {
  const accuracy = (matrix: readonly (readonly number[])[]) =>
    (matrix[0]![0]! + matrix[1]![1]!) / matrix.flat().reduce((sum, one) => sum + one, 0);
  const matrix = [
    [150, 50],
    [30, 170],
  ];
  const found = bootstrapped(matrix, accuracy)!;
  const expected = wilson(320, 400);
  near(found.low, expected.low, 0.01);
  near(found.high, expected.high, 0.01);
  assert.deepEqual(bootstrapped(matrix, accuracy), found);
  const rng = rngFor('coverage');
  let covered = 0;
  for (let trial = 0; trial < 60; trial++) {
    const drawn = [
      [0, 0],
      [0, 0],
    ];
    for (let example = 0; example < 200; example++) {
      const label = rng.int(4) === 0 ? 1 : 0;
      drawn[label]![rng.int(10) < (label === 0 ? 1 : 3) ? 1 - label : label]!++;
    }
    const { low, high } = bootstrapped(drawn, balancedAccuracy)!;
    if (low <= 0.8 && 0.8 <= high) covered++;
  }
  assert.ok(covered >= 52, `${covered} of 60`);
  assert.equal(
    bootstrapped(
      [
        [1e7, 0],
        [0, 1e7],
      ],
      accuracy,
    ),
    null,
  );
});
