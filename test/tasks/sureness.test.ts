/** Calibration of classifiers, and how sure one can be of errors and of several labels. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Rng, rngFor } from '../../src/math/rng.ts';
import { quantile } from '../../src/math/statistics.ts';
import { type Answered, figureDifference, figureInterval, sureFigures } from '../../src/tasks/answered.ts';
import { assess, pool } from '../../src/tasks/assessment.ts';
import { calibrationError } from '../../src/tasks/calibration.ts';
import { measuresOf } from '../../src/tasks/measures.ts';

const near = (found: number, wanted: number, off = 1e-9) =>
  assert.ok(Math.abs(found - wanted) <= off, `${found}, expected ${wanted}`);
const errorOf = (one: ReturnType<typeof assess>): number => calibrationError(one.calibration!)!;

describe('the expected calibration error', () => {
  test('is what a hand counts', () => {
    // Two examples of 0.7, one of them right, and one of 0.9 that is: (|1 - 1.4| + |1 - 0.9|) / 3.
    near(errorOf(assess([0, 1, 1], [0.7, 0.3, 0.7, 0.3, 0.1, 0.9], 2)), 0.5 / 3);
    near(errorOf(assess([2, 2], [0, 0, 1, 0, 0, 1], 3)), 0);
    near(errorOf(assess([0, 1], [0, 0, 1, 1, 0, 0], 3)), 1);
    assert.equal(calibrationError([]), null);
  });

  test('of several sites is that of all examples', () => {
    const one = assess([0, 1, 1], [0.7, 0.3, 0.7, 0.3, 0.1, 0.9], 2);
    const other = assess([1, 1], [0.7, 0.3, 0.2, 0.8], 2);
    const both = assess([0, 1, 1, 1, 1], [0.7, 0.3, 0.7, 0.3, 0.1, 0.9, 0.7, 0.3, 0.2, 0.8], 2);
    near(errorOf(pool([one, other])), errorOf(both));
    assert.equal(pool([one, { ...other, calibration: null }]).calibration, null);
  });

  test('counts what a diverged model says as said of nothing', () => {
    near(errorOf(assess([1], [Number.NaN, Number.NaN], 2)), 0);
  });
});

const normal = (rng: Rng): number =>
  Math.sqrt(-2 * Math.log(1 - rng.float())) * Math.cos(2 * Math.PI * rng.float());
const target = { name: 'dose', mean: 20, scale: 5, unit: 'mg' };

function numbers(rng: Rng, rows: number, spread = 1): Answered {
  const right = Float32Array.from({ length: rows }, () => normal(rng));
  const said = right.map((answer) => answer + spread * normal(rng));
  return { objective: { kind: 'regression', target }, right, said };
}

function labelled(rng: Rng, rows: number): Answered {
  const objective = { kind: 'multi-label', labels: ['a', 'b', 'c'] } as const;
  const right = new Float32Array(3 * rows);
  const said = new Float32Array(3 * rows);
  for (let row = 0; row < rows; row++) {
    // Labels of one example go together, and so do mistakes.
    const isHard = rng.float() < 0.3;
    const both = rng.float();
    for (let label = 0; label < 3; label++) {
      const isThere = both < 0.2 + 0.2 * label;
      right[3 * row + label] = isThere ? 1 : 0;
      const isWrong = rng.float() < (isHard ? 0.5 : 0.1);
      said[3 * row + label] = isThere !== isWrong ? 0.9 : 0.1;
    }
  }
  return { objective, right, said };
}

describe('a figure with its interval', () => {
  test('is the measure that is told', () => {
    for (const answered of [numbers(rngFor('one'), 50), labelled(rngFor('two'), 50)]) {
      const { objective, right, said } = answered;
      const told = new Map(
        measuresOf(objective, right, said).map(({ id, value, unit }) => [id, { value, unit }]),
      );
      const figures = sureFigures(answered);
      assert.ok(figures.length === 2);
      for (const { id, value, unit, pulls } of figures) {
        near(value, told.get(id)!.value, 1e-6);
        assert.equal(unit, told.get(id)!.unit);
        near(
          pulls.reduce((sum, pull) => sum + pull, 0),
          0,
          1e-6,
        );
      }
    }
  });

  for (const [name, draw, truth] of [
    ['rmse', numbers, 5],
    ['mae', numbers, 5 * Math.sqrt(2 / Math.PI)],
    ['macro F1', labelled, null],
    ['labels right', labelled, 1 - (0.3 * 0.5 + 0.7 * 0.1)],
  ] as const) {
    test(`holds the true ${name} about 95 times of 100`, () => {
      const figureOf = (answered: Answered) => sureFigures(answered).find(({ id }) => id === name)!;
      const known = truth ?? figureOf(draw(rngFor('truth'), 200_000)).value;
      let held = 0;
      for (let draws = 0; draws < 400; draws++) {
        const { low, high } = figureInterval(figureOf(draw(rngFor(`coverage/${draws}`), 120)))!;
        if (low <= known && known <= high) held++;
      }
      assert.ok(held >= 0.91 * 400 && held <= 0.98 * 400, `${held} of 400`);
    });
  }

  test('is as wide as drawing the examples anew makes it', () => {
    const rng = rngFor('again');
    const answered = labelled(rng, 150);
    const [figure] = sureFigures(answered);
    const figures = Array.from({ length: 2000 }, () => {
      const rows = Array.from({ length: 150 }, () => rng.int(150));
      const of = (values: Float32Array) =>
        Float32Array.from(rows.flatMap((row) => [...values.subarray(3 * row, 3 * row + 3)]));
      return sureFigures({ ...answered, right: of(answered.right), said: of(answered.said) })[0]!.value;
    });
    const { low, high } = figureInterval(figure!)!;
    near(low, quantile(figures, 0.025), 0.015);
    near(high, quantile(figures, 0.975), 0.015);
  });

  test('of two models is narrower the more they agree', () => {
    const one = numbers(rngFor('pair'), 200);
    const worse = { ...one, said: one.said.map((said, row) => said + 0.1 * (said - one.right[row]!)) };
    const other = { ...one, said: numbers(rngFor('other'), 200).said };
    const [rmse] = sureFigures(one);
    const [close] = sureFigures(worse);
    const [far] = sureFigures(other);
    const agreed = figureDifference(close!, rmse!)!;
    near(agreed.difference, 0.1 * rmse!.value, 1e-4);
    assert.ok(agreed.low > 0);
    const apart = figureDifference(far!, rmse!)!;
    assert.ok(apart.high - apart.low > 4 * (agreed.high - agreed.low));
    assert.equal(figureDifference(rmse!, sureFigures(numbers(rngFor('few'), 3))[0]!), null);
  });

  test('has none where the examples do not say', () => {
    assert.equal(figureInterval(sureFigures(numbers(rngFor('one'), 1))[0]!), null);
    const exact = numbers(rngFor('exact'), 9, 0);
    assert.equal(sureFigures(exact)[0]!.value, 0);
    assert.equal(figureInterval(sureFigures(exact)[0]!), null);
  });
});
