import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TokenBuckets } from '../../../src/network/conduct/token-buckets.ts';
import { Turns } from '../../../src/network/gossip/turns.ts';

describe('turns', () => {
  test('what was handed over at once is done one after the other, and each knows how the one before ended', async () => {
    const turns = new Turns();
    let bad = 0;
    const done = Array.from({ length: 5_000 }, () =>
      turns.take('a', 1, async () => {
        if (bad >= 5) return 'skipped';
        await Promise.resolve();
        bad += 1;
        return 'judged';
      }),
    );
    const results = await Promise.all(done);
    assert.equal(results.filter((result) => result === 'judged').length, 5);
    assert.equal(turns.size, 0);
  });

  test('what hangs holds up those behind it for a moment and others not at all', async () => {
    const turns = new Turns();
    const hanging = turns.take('a', 1, () => new Promise<string>(() => {}));
    void hanging;
    const failing = turns.take('a', 1, () => Promise.reject(new Error('broken')));
    await assert.rejects(failing, /broken/);
    assert.equal(await turns.take('b', 1, async () => 'other'), 'other');
    assert.equal(await turns.take('a', 1, async () => 'behind'), 'behind');
  });

  test('no more waits for one than two frames have', async () => {
    const turns = new Turns();
    const act = async (): Promise<boolean> => true;
    const results = await Promise.all(Array.from({ length: 5 }, () => turns.take('a', 2 << 20, act)));
    assert.deepEqual(results, [true, true, true, true, null]);
    assert.equal(await turns.take('a', 2 << 20, act), true);
  });
});

describe('token buckets', () => {
  test('a burst, then so much a second; what was overdrawn is waited for', () => {
    const buckets = new TokenBuckets({ burst: 10, perSecond: 2 });
    assert.equal(buckets.waitMs('a', 0), 0);
    buckets.spend('a', 14, 0);
    assert.equal(buckets.waitMs('a', 0), 2_000);
    assert.equal(buckets.waitMs('a', 2_000), 0);
    assert.equal(buckets.waitMs('b', 0), 0);
    buckets.spend('a', 10, 1e9);
    assert.equal(buckets.waitMs('a', 1e9), 0, 'never more than the burst');
    buckets.spend('a', 1, 1e9);
    assert.equal(buckets.waitMs('a', 1e9), 500);
  });

  test('among too many the one that was quiet longest is forgotten', () => {
    const buckets = new TokenBuckets({ burst: 0, perSecond: 1 });
    for (let name = 0; name < 3_000; name++) buckets.spend(`${name}`, 1, 0);
    assert.equal(buckets.size, 1_024);
    assert.equal(buckets.waitMs('2999', 0), 1_000);
  });
});
