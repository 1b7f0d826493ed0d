/** Coefficients of agreement against the numbers that their authors and others have published. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cohenKappa, fleissKappa, krippendorffAlpha, type Unit } from '../../src/math/agreement.ts';

/** A row for each person, a column for each thing; `.`: nothing said. Values from 1. */
function unitsOf(...people: readonly string[]): Unit<number>[] {
  const rows = people.map((row) => row.split(' '));
  return rows[0]!.map((_, at) => rows.flatMap((row) => (row[at] === '.' ? [] : Number(row[at]) - 1)));
}
const near = (found: number | null, published: number): void =>
  assert.equal(found?.toFixed(3), published.toFixed(3));

describe("Krippendorff's alpha", () => {
  test('of four observers and twelve units, as published in 2011', () => {
    const units = unitsOf(
      '1 2 3 3 2 1 4 1 2 . . .',
      '1 2 3 3 2 2 4 1 2 5 . 3',
      '. 3 3 3 2 3 4 2 2 5 1 .',
      '1 2 3 3 2 4 4 1 2 5 1 .',
    );
    near(krippendorffAlpha(units, 5, 'nominal'), 0.743);
    near(krippendorffAlpha(units, 5, 'ordinal'), 0.815);
    near(krippendorffAlpha(units, 5, 'interval'), 0.849);
  });

  test('of three coders with many gaps', () => {
    const units = unitsOf(
      '. . . . . 3 4 1 2 1 1 3 3 . 3',
      '1 . 2 1 3 3 4 3 . . . . . . .',
      '. . 2 1 3 4 4 . 2 1 1 3 3 . 4',
    );
    near(krippendorffAlpha(units, 4, 'nominal'), 0.691);
    near(krippendorffAlpha(units, 4, 'interval'), 0.811);
  });

  test('says nothing where nobody can be compared, or all say one thing', () => {
    assert.equal(krippendorffAlpha([], 2, 'nominal'), null);
    assert.equal(krippendorffAlpha([[0], [1], []], 2, 'nominal'), null);
    assert.equal(krippendorffAlpha([[1, 1], [1]], 2, 'nominal'), null);
    assert.equal(
      krippendorffAlpha(
        [
          [0, 0],
          [1, 1, 1],
        ],
        2,
        'ordinal',
      ),
      1,
    );
  });
});

test("Fleiss' kappa of fourteen raters and ten subjects", () => {
  const table = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
  ];
  const units = table.map((row) => row.flatMap((count, value) => new Array<number>(count).fill(value)));
  near(fleissKappa(units, 5), 0.21);
  assert.equal(fleissKappa([[0]], 2), null);
  assert.equal(fleissKappa([[0, 0]], 2), null);
});

test("Cohen's kappa of tables that are given for it", () => {
  /** Both said the first value, one the first and the other the second, the other way, both the second. */
  const pairs = (...counts: readonly number[]) =>
    counts.flatMap((count, at) => Array.from({ length: count }, (): [number, number] => [at >> 1, at & 1]));
  near(cohenKappa(pairs(20, 5, 10, 15), 2), 0.4);
  near(cohenKappa(pairs(45, 15, 25, 15), 2), 0.1304);
  near(cohenKappa(pairs(25, 35, 5, 35), 2), 0.2593);
  assert.equal(cohenKappa([], 2), null);
  assert.equal(cohenKappa([[1, 1]], 2), null);
});
