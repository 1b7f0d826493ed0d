import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { scorePercents } from './score-worlds.ts';

const worlds = 12;

describe('in drawn worlds of evaluators who lie together', () => {
  for (const [members, liars] of [
    [10, 3],
    [16, 6],
  ] as const)
    test(`${liars} of ${members} do not silence the honest where deltas hardly help`, (t) => {
      const world = { members, liars, harm: null };
      const honest = scorePercents({ ...world, lie: 'never', missing: 0 }, worlds);
      for (const lie of ['always', 'alone'] as const) {
        const lied = scorePercents({ ...world, lie, missing: 0 }, worlds);
        t.diagnostic(JSON.stringify({ honest, lie, lied }));
        // Without the rule half of the honest are out at once in nearly all worlds.
        assert.ok(lied.halfOut <= honest.halfOut + 25, `${lied.halfOut} % for ${honest.halfOut}`);
        assert.ok(lied.honestOut <= honest.honestOut + 6, `${lied.honestOut} % for ${honest.honestOut}`);
      }
    });

  test('who lies and does harm is silenced all the same, also where a fifth of the honest words does not come', () => {
    for (const liars of [3, 4]) {
      const found = scorePercents({ members: 10, liars, lie: 'always', missing: 0.2, harm: -1 }, worlds);
      assert.ok(found.liarsOut > 85 && found.honestOut < 2, JSON.stringify(found));
    }
  });
});
