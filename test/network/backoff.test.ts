import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GrowingPauses } from '../../src/network/backoff.ts';

test('pauses after attempts in vain grow twice as fast, and further', () => {
  const never = (): number => 0;
  const pauses = new GrowingPauses({ firstMs: 500, maxMs: 15_000 }, 60_000, never);
  const taken = (isVain: boolean, count: number): number[] =>
    Array.from({ length: count }, () => 2 * pauses.after(isVain));
  assert.deepEqual(taken(false, 7), [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
  pauses.reset();
  assert.deepEqual(taken(true, 5), [500, 2_000, 8_000, 32_000, 60_000]);
  assert.deepEqual(taken(false, 1), [15_000], 'somebody new was found');
});
