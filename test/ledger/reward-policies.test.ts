import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  parseRewardPolicy,
  rewardPolicies,
  rewardPolicySchema,
  sharesOf,
  shareUnits,
} from '../../src/ledger/reward-policies.ts';

const pointsOf = fc.array(fc.integer({ min: 0, max: 2 ** 40 }), { maxLength: 40 });
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe('every policy', () => {
  for (const { id, examples } of rewardPolicies) {
    for (const example of examples) {
      test(`${id} ${JSON.stringify(example)}: whole shares of all there is, none for who has no points, more for more`, () => {
        const spec = rewardPolicySchema.parse(example);
        fc.assert(
          fc.property(pointsOf, (points) => {
            const shares = sharesOf(spec, points);
            assert.equal(shares.length, points.length);
            assert.ok(shares.every((share) => Number.isInteger(share) && share >= 0));
            assert.ok(sum(shares) <= shareUnits);
            for (const [index, share] of shares.entries()) {
              if (points[index] === 0) assert.equal(share, 0);
              for (const [other, its] of shares.entries())
                if (points[other]! > points[index]!) assert.ok(its >= share - 1, 'fewer for more points');
            }
          }),
        );
        assert.deepEqual(sharesOf(spec, []), []);
        assert.deepEqual(sharesOf(spec, [0, 0]), [0, 0]);
      });
    }
  }
});

test('shares as people expect them', () => {
  const shares = (text: string, points: readonly number[]) => sharesOf(parseRewardPolicy(text)!, points);
  assert.deepEqual(shares('proportional', [1, 1, 1]), [333_334, 333_333, 333_333]);
  assert.deepEqual(shares('proportional', [3, 1, 0]), [750_000, 250_000, 0]);
  assert.deepEqual(shares('equal', [100, 90, 1]), [500_000, 500_000, 0]);
  assert.deepEqual(shares('equal:threshold=0', [100, 90, 1]), [333_334, 333_333, 333_333]);
  assert.deepEqual(shares('capped:max=0.5', [8, 1, 1]), [500_000, 250_000, 250_000]);
  // Nobody may have more: half of it stays with whoever pays.
  assert.deepEqual(shares('capped:max=0.25', [8, 1]), [250_000, 250_000]);
  assert.deepEqual(shares('square-root', [4, 1]), [666_667, 333_333]);
});

test('what names no policy is none', () => {
  for (const text of ['', 'fair', 'capped:max=2', 'capped:least=0.1', 'capped:max=', 'equal:threshold=x'])
    assert.equal(parseRewardPolicy(text), null, text);
});
