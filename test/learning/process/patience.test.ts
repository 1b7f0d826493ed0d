import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backOffMs, CallTimes, usualPatience } from '../../../src/learning/process/patience.ts';

test('a call may take four times the median of the last ones by the amount of work, and a minute in any case', () => {
  const times = new CallTimes();
  assert.equal(times.limitMs(1_000_000, usualPatience), 60_000, 'nothing is known yet');
  for (const tookMs of [900_000, 20_000, 30_000, 40_000, 50_000]) times.note(tookMs, 10);
  assert.equal(times.limitMs(10, usualPatience), 4 * 40_000);
  assert.equal(times.limitMs(20, usualPatience), 8 * 40_000);
  assert.equal(times.limitMs(1, usualPatience), 60_000);
  for (let call = 0; call < 9; call++) times.note(100, 10);
  assert.equal(times.limitMs(10, usualPatience), 60_000, 'what is long past is forgotten');
});

test('a trainer that crashes is left alone for a second, twice as long each time, never more than five minutes', () => {
  const waits = [1, 2, 3, 8, 9, 10, 2_000].map((crashes) => backOffMs(crashes, usualPatience));
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 128_000, 256_000, 300_000, 300_000]);
});
