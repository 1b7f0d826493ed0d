import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clockOffset, isClockOff, narrowed, surelyOff } from '../../../src/node/clock/clock-offset.ts';

const offsetOf = (claims: readonly number[], asked = claims.length): number | null =>
  clockOffset(claims, asked).offsetMs;

test('two must say something, and more than half of those that could', () => {
  assert.deepEqual(clockOffset([], 0), { offsetMs: null, claimedMs: null, peers: 0 });
  assert.deepEqual(clockOffset([20], 1), { offsetMs: null, claimedMs: 20, peers: 1 });
  assert.equal(clockOffset([20], 2).claimedMs, null, 'it is not the only one');
  assert.equal(offsetOf([20, 20], 4), null);
  assert.equal(offsetOf([20, 30], 3), 20);
  assert.equal(offsetOf([-20, -30]), -20, 'of two the one nearer to 0');
  assert.equal(offsetOf([-20, 30]), 0, 'who contradict each other say nothing');
  assert.equal(offsetOf([1, 5, 900]), 5);
});

test('one liar does not move it beyond what honest peers say', () => {
  const honest = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 2, maxLength: 8 });
  fc.assert(
    fc.property(honest, fc.integer({ min: -1e9, max: 1e9 }), (claims, lie) => {
      const offset = offsetOf([...claims, lie])!;
      assert.ok(offset >= Math.min(0, ...claims) && offset <= Math.max(0, ...claims), String(offset));
    }),
  );
  fc.assert(
    fc.property(fc.integer({ min: -1e9, max: 1e9 }), (lie) => {
      assert.equal(isClockOff(clockOffset([3, lie], 2), 500), false, 'with one honest peer beside it');
    }),
  );
});

test('training stops beyond a round, by the word of several', () => {
  assert.equal(isClockOff(clockOffset([501, 502, 503], 3), 500), true);
  assert.equal(isClockOff(clockOffset([-501, -502], 2), 500), true);
  assert.equal(isClockOff(clockOffset([500, 500], 2), 500), false);
  assert.equal(isClockOff(clockOffset([20_000], 1), 500), false, 'one alone may be wrong itself');
});

test('of one peer holds what all its answers leave, until one contradicts the earlier ones', () => {
  const claim = (lowMs: number, highMs: number) => ({ lowMs, highMs });
  const [slow, fast, between] = [claim(-100, 900), claim(380, 420), claim(300, 2000)];
  assert.equal(surelyOff([slow]), 0, 'it may be right');
  assert.equal(surelyOff([fast]), 380);
  assert.equal(surelyOff([claim(-420, -380)]), -380);
  assert.deepEqual(narrowed([slow, fast, between]), [slow, fast, between]);
  assert.equal(surelyOff(narrowed([slow, fast, between])), 380);
  const afterSetting = claim(-10, 10);
  assert.deepEqual(narrowed([fast, slow, afterSetting]), [slow, afterSetting]);
  assert.deepEqual(narrowed([slow, fast, afterSetting]), [afterSetting]);
});
