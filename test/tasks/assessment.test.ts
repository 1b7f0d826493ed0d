import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Assessment, areaUnderCurve, assess, majorityOf, pool } from '../../src/tasks/assessment.ts';

/** Of two classes, from the probability of class 1. */
const binary = (labels: readonly number[], scores: readonly number[]): Assessment =>
  assess(
    labels,
    scores.flatMap((score) => [1 - score, score]),
    2,
  );

function accuracyOf({ confusion, examples }: Assessment): number {
  return confusion.reduce((sum, row, label) => sum + row[label]!, 0) / examples;
}

/** Every pair of an example of each class, one by one. */
function areaByPairs({ scores }: Assessment): number | null {
  const [negative, positive] = scores!;
  const pairs = negative.flatMap((low) =>
    positive.map((high) => (high > low ? 1 : high === low ? 0.5 : 0) as number),
  );
  return pairs.length === 0 ? null : pairs.reduce((sum, one) => sum + one, 0) / pairs.length;
}

describe('the area under the curve', () => {
  test('is what a hand counts', () => {
    // Class 0: 0.1, 0.4, 0.4; class 1: 0.4, 0.8. Of six pairs: 0.4 beats 0.1, ties with both 0.4; 0.8 beats all: 1 + 1/2 + 1/2 + 3 = 5.
    assert.equal(areaUnderCurve(binary([0, 1, 0, 1, 0], [0.1, 0.4, 0.4, 0.8, 0.4])), 5 / 6);
    assert.equal(areaUnderCurve(binary([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4])), 1);
    assert.equal(areaUnderCurve(binary([0, 0, 1, 1], [0.4, 0.3, 0.2, 0.1])), 0);
    assert.equal(areaUnderCurve(binary([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5])), 0.5);
    assert.equal(areaUnderCurve(binary([1, 1], [0.5, 0.6])), null, 'there is nothing to tell apart');
    assert.equal(areaUnderCurve(assess([0, 1, 2], [1, 0, 0, 0, 1, 0, 0, 0, 1], 3)), null);
  });

  test('is the share of pairs in the right order, whatever the scores', () => {
    const example = fc.tuple(fc.integer({ min: 0, max: 1 }), fc.integer({ min: 0, max: 8 }));
    fc.assert(
      fc.property(fc.array(example, { maxLength: 40 }), (examples) => {
        const one = binary(
          examples.map(([label]) => label),
          examples.map(([, score]) => score / 8),
        );
        const [mine, byPairs] = [areaUnderCurve(one), areaByPairs(one)];
        if (mine === null || byPairs === null) assert.equal(mine, byPairs);
        else assert.ok(Math.abs(mine - byPairs) < 1e-12);
      }),
    );
  });
});

describe('an assessment', () => {
  test('counts who is taken for what, beside what the most frequent class alone gets right', () => {
    const one = assess(
      [0, 1, 2, 2, 2],
      [0.6, 0.2, 0.2, 0.5, 0.5, 0, 0.1, 0.2, 0.7, 0.9, 0.1, 0, 0.2, 0.2, 0.6],
      3,
    );
    assert.deepEqual(one.confusion, [
      [1, 0, 0],
      // Equally probable: the lower one.
      [1, 0, 0],
      [1, 0, 2],
    ]);
    assert.equal(accuracyOf(one), 3 / 5);
    assert.deepEqual(majorityOf(one), { label: 2, share: 3 / 5 });
  });

  test('of several sites is that of all examples, not the mean of theirs', () => {
    const small = binary([0, 1], [0.9, 0.1]);
    const large = binary([0, 0, 0, 1, 1, 1, 1, 1], [0.2, 0.2, 0.3, 0.6, 0.7, 0.8, 0.9, 0.4]);
    assert.deepEqual([accuracyOf(small), accuracyOf(large)], [0, 7 / 8]);
    const both = pool([small, large]);
    assert.equal(accuracyOf(both), 7 / 10);
    assert.equal(both.examples, 10);
    assert.deepEqual(majorityOf(both), { label: 1, share: 6 / 10 });
    assert.equal(areaUnderCurve(both), areaByPairs(both));
    assert.deepEqual(pool([large]), large);
    assert.throws(() => pool([]), RangeError);
    assert.throws(() => pool([small, assess([0], [1, 0, 0], 3)]), RangeError);
  });
});
