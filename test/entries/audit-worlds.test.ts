import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { auditPercents } from './audit-worlds.ts';

const worlds = 12;

describe('in drawn worlds of auditors who lie together, all of whom speak', () => {
  for (const [members, liars] of [
    [10, 3],
    [16, 6],
  ] as const)
    for (const missing of [0, 1 / 3, 1 / 2])
      test(`${liars} of ${members} convict nobody while ${Math.round(100 * missing)} % of the honest words do not come`, (t) => {
        const { framed, overruled, found } = auditPercents({ members, liars, missing }, worlds);
        t.diagnostic(`who always cheats is found in ${found} %`);
        assert.deepEqual({ framed, overruled }, { framed: 0, overruled: 0 });
        if (missing === 0) assert.ok(found > 75, `${found} %`);
      });
});
