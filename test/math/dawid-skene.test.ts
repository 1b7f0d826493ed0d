/** Who errs on what, against the figures that Dawid and Skene published in 1979. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dawidSkene, type Said } from '../../src/math/dawid-skene.ts';
import { rngFor } from '../../src/math/rng.ts';

/** Table 1 of the paper: 45 patients. The first anaesthetist put each of them in a class three times, four others once. */
const patients = [
  '111/1/1/1/1 333/4/3/3/4 112/2/1/2/2 222/3/1/2/1 222/3/2/2/2 222/3/3/2/2 122/2/1/1/1 333/3/4/3/3 222/2/2/2/3',
  '232/2/2/2/3 444/4/4/4/4 222/3/3/4/3 111/1/1/1/1 222/3/2/1/2 121/1/1/1/1 111/2/1/1/1 111/1/1/1/1 111/1/1/1/1',
  '222/2/2/2/1 222/1/3/2/2 222/2/2/2/2 222/2/2/2/1 222/3/2/2/2 221/2/2/2/2 111/1/1/1/1 111/1/1/1/1 232/2/2/2/2',
  '111/1/1/1/1 111/1/1/1/1 112/1/1/2/1 111/1/1/1/1 333/3/2/3/3 111/1/1/1/1 222/2/2/2/2 222/3/2/3/2 433/4/3/4/3',
  '221/2/2/3/2 232/3/2/3/3 333/3/4/3/2 111/1/1/1/1 111/1/1/1/1 121/2/1/1/1 232/2/2/2/2 121/1/1/1/1 222/2/2/2/2',
].flatMap((row) => row.split(' ').map((patient) => patient.split('/')));

const anaesthetists: Said[] = patients.flatMap((said, thing) =>
  said.flatMap((digits, person) => [...digits].map((digit) => ({ thing, person, value: Number(digit) - 1 }))),
);

const twoDigits = (row: readonly number[] | null): string[] => (row ?? []).map((share) => share.toFixed(2));

describe('errors of observers', () => {
  test('of five anaesthetists and 45 patients, as published', () => {
    const found = dawidSkene(anaesthetists, { things: 45, people: 5, values: 4 });
    assert.ok(found.hasSettled && found.steps < 50, `${found.steps} steps`);
    assert.deepEqual(twoDigits(found.shares), ['0.40', '0.42', '0.11', '0.07']);
    const [first, second] = found.errors;
    // Those of the first and the shares of the classes are what the paper prints, as others give it; those of the second are what comes out here.
    assert.deepEqual(first!.map(twoDigits), [
      ['0.89', '0.11', '0.00', '0.00'],
      ['0.07', '0.88', '0.05', '0.00'],
      ['0.00', '0.34', '0.66', '0.00'],
      ['0.00', '0.00', '0.56', '0.44'],
    ]);
    assert.deepEqual(second!.map(twoDigits), [
      ['0.83', '0.17', '0.00', '0.00'],
      ['0.05', '0.63', '0.31', '0.00'],
      ['0.00', '0.00', '1.00', '0.00'],
      ['0.00', '0.00', '0.00', '1.00'],
    ]);
    const classes = found.probabilities.map((row) => row.indexOf(Math.max(...row)) + 1);
    // By what most of them said patient 3 would be of class 1 or 2, patient 36 of class 3.
    assert.deepEqual([classes[1], classes[2], classes[11], classes[35]], [4, 2, 3, 4]);
    const open = found.probabilities.flatMap((row, at) => (Math.max(...row) < 0.99 ? [at + 1] : []));
    assert.deepEqual(open, [7, 35, 38], 'of all others it is sure');
  });

  test('finds who is right among many who are not', () => {
    const rng = rngFor('errors');
    const truth = Array.from({ length: 200 }, () => Math.floor(rng.float() * 3));
    const rights = [0.95, 0.9, 0.4, 0.4, 0.4];
    const said = truth.flatMap((value, thing) =>
      rights.map((right, person) => {
        const errs = rng.float() > right;
        return { thing, person, value: errs ? (value + 1 + Math.floor(rng.float() * 2)) % 3 : value };
      }),
    );
    const found = dawidSkene(said, { things: 200, people: 5, values: 3 });
    const right = found.probabilities.filter((row, at) => row.indexOf(Math.max(...row)) === truth[at]).length;
    const votes = truth.filter((value, thing) => {
      const counts = [0, 0, 0];
      for (const one of said.filter((each) => each.thing === thing)) counts[one.value]! += 1;
      return counts.indexOf(Math.max(...counts)) === value;
    }).length;
    assert.ok(right >= 170 && votes <= right - 10, `${right} by their errors, ${votes} by their votes`);
  });

  test('of many who say the same is no product that comes to nothing', () => {
    const said = Array.from({ length: 4000 }, (_, person) => ({
      thing: person % 2,
      person: person % 40,
      value: person % 2,
    }));
    const found = dawidSkene(said, { things: 3, people: 40, values: 2 });
    assert.deepEqual(found.probabilities.slice(0, 2), [
      [1, 0],
      [0, 1],
    ]);
    assert.ok(
      found.probabilities[2]!.every((each) => each > 0 && each < 1),
      'nobody has said what it is',
    );
    assert.ok(found.errors.flat(2).every((each) => each === null || Number.isFinite(each)));
  });
});
