import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isFound, isUnjust, outcomes, percent } from './audit-worlds.ts';

const worlds = 12;

describe('in drawn worlds of auditors who lie together', () => {
  for (const [members, liars] of [
    [10, 3],
    [16, 6],
  ] as const)
    for (const missing of [0, 1 / 3, 1 / 2])
      test(`${liars} of ${members} convict nobody while ${Math.round(100 * missing)} % of the honest words do not come`, (t) => {
        const world = { members, liars, missing };
        assert.equal(percent(outcomes(world, 'accuse', worlds), isUnjust), 0);
        const found = percent(outcomes(world, 'cover', worlds), isFound);
        t.diagnostic(`who always cheats is found in ${found} %`);
        if (missing === 0) assert.ok(found > 75, `${found} %`);
      });

  test('16 of 40 who cry that nothing is shown to them convict nobody while a third of the honest words do not come', () => {
    const cried = outcomes({ members: 40, liars: 16, missing: 1 / 3 }, 'cry', 4);
    assert.equal(percent(cried, isUnjust), 0);
  });

  test('3 of 10 who say nothing of each other do not keep who cheats from being found while a third of the honest words do not come', () => {
    const hushed = outcomes({ members: 10, liars: 3, missing: 1 / 3 }, 'hush', worlds);
    assert.ok(percent(hushed, isFound) > 90, `${percent(hushed, isFound)} %`);
  });

  for (const [members, liars] of [
    [10, 3],
    [16, 4],
    [16, 6],
  ] as const)
    test(`who links with ${liars - 1} friends among ${members} alone, and is reached by nobody else, weighs nothing before long`, (t) => {
      const hidden = outcomes({ members, liars, missing: 0 }, 'hide', worlds);
      const weighs = hidden.reduce((sum, { cheatWeighs }) => sum + cheatWeighs, 0) / worlds;
      const honest = hidden.reduce((sum, { honestWeigh }) => sum + honestWeigh, 0) / worlds;
      t.diagnostic(
        `it weighs in ${Math.round(100 * weighs)} % of the rounds, the honest in ${Math.round(100 * honest)} %`,
      );
      assert.ok(weighs < 0.25, `${weighs}`);
      assert.equal(honest, 1);
    });

  test('liars who say that they reach nobody take no weight from anybody, whoever is silent', () => {
    for (const missing of [0, 1 / 3, 1 / 2]) {
      const denied = outcomes({ members: 16, liars: 6, missing }, 'deny', 4);
      assert.ok(denied.every(({ honestWeigh }) => honestWeigh === 1));
    }
  });

  test('what is trained again for a delta that is drawn is no more than what it is where all speak, whoever is silent', () => {
    for (const missing of [0, 1 / 3, 1 / 2]) {
      const honest = outcomes({ members: 10, liars: 0, missing }, 'none', worlds);
      const trainings = honest.reduce((sum, one) => sum + one.trainings, 0) / worlds;
      assert.ok(trainings < 1.2, `${trainings}`);
    }
  });
});
