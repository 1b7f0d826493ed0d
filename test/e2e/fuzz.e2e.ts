/** Two hundred worlds, as a user lives through them; those beyond that once went wrong are in test/sim/fuzz.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resultOf, starlings } from './processes.ts';

test('sim fuzz: 200 worlds drawn from seeds are in order', async () => {
  const ended = await starlings('sim', 'fuzz', '--seeds', '200', '--json');
  const result = resultOf(ended);
  assert.deepEqual(result['violations'], [], ended.stderr);
  assert.equal(ended.code, 0);
});
