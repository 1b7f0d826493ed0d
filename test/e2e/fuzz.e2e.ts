/** Five hundred worlds, as a user lives through them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resultOf, starlings } from './processes.ts';

test('sim fuzz: 500 worlds drawn from seeds are in order', async () => {
  const ended = await starlings('sim', 'fuzz', '--seeds', '500', '--json');
  const result = resultOf(ended);
  assert.deepEqual(result['violations'], [], ended.stderr);
  assert.equal(ended.code, 0);
});
