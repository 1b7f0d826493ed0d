import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { wallClock } from '../../src/platform/node/wall-clock.ts';
import { RunClock } from '../cluster/run-clock.ts';
import { eventually } from '../network/real-hosts.ts';
import { clockContract } from './clock-contract.ts';
import { virtualClock } from './virtual-clock.ts';

const inRealTime = (condition: () => boolean) => eventually('it happened', condition);

clockContract('the wall clock', () => ({ clock: wallClock, until: inRealTime }));

clockContract('the clock of a cluster, once released', () => {
  const clock = new RunClock(1_700_000_000_000);
  clock.release();
  return { clock, until: inRealTime };
});

clockContract("a virtual node's clock", () => virtualClock({ offsetMs: 0, driftPpm: 0 }));
clockContract("a virtual node's clock that is set wrong and runs fast", () =>
  virtualClock({ offsetMs: 1234.5, driftPpm: 400 }),
);
clockContract("a virtual node's clock that is set wrong and runs slow", () =>
  virtualClock({ offsetMs: -77, driftPpm: -400 }),
);

describe('the clock of a cluster, held', () => {
  test('stands still, calls nothing that lies ahead, and goes on where it stood', async () => {
    const clock = new RunClock(5_000);
    const called: string[] = [];
    clock.schedule(5_030, () => called.push('later'));
    const cancel = clock.schedule(5_010, () => called.push('cancelled'));
    clock.schedule(5_000, () => called.push('now'));
    await inRealTime(() => called.length > 0);
    assert.deepEqual(called, ['now']);
    assert.equal(clock.nowMs(), 5_000);
    cancel();
    clock.release();
    await inRealTime(() => called.length === 2);
    assert.deepEqual(called, ['now', 'later']);
    assert.ok(clock.nowMs() >= 5_030);
  });

  test('what was asked for before it was held waits until it shows the time', async () => {
    const clock = new RunClock(5_000);
    clock.release();
    let calledAtMs = 0;
    clock.schedule(5_050, () => {
      calledAtMs = clock.nowMs();
    });
    clock.hold();
    const heldAtMs = clock.nowMs();
    const startMs = wallClock.nowMs();
    await inRealTime(() => wallClock.nowMs() - startMs > 100);
    assert.equal(calledAtMs, 0);
    assert.equal(clock.nowMs(), heldAtMs);
    clock.release();
    await inRealTime(() => calledAtMs > 0);
    assert.ok(calledAtMs >= 5_050);
  });
});
