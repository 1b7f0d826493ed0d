import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { startRecurring } from '../../src/network/recurring.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';
import { ManualClock } from '../node/manual-clock.ts';
import { eventually } from './real-hosts.ts';

/** Whoever's clock is set back meanwhile sees smaller gaps than there were: this one goes on as it is told. */
async function advance(clock: ManualClock, ms: number): Promise<void> {
  for (let each = 0; each < ms; each++) {
    clock.advanceTo(clock.nowMs() + 1);
    await nextTurn();
  }
}

test('runs at once, then again after what the task says, and never twice at a time', async () => {
  const clock = new ManualClock(1000);
  const starts: number[] = [];
  let running = 0;
  const task = startRecurring(clock, 0, async () => {
    assert.equal(++running, 1);
    starts.push(clock.nowMs());
    await nextTurn();
    running--;
    return 20;
  });
  assert.equal(starts.length, 1);
  await advance(clock, 100);
  await task.stop();
  assert.ok(starts.length >= 4, `${starts}`);
  for (const [turn, start] of starts.entries()) assert.ok(turn === 0 || start - starts[turn - 1]! >= 20);
});

test('hurry comes before the time and never sooner than the gap, however often it is asked', async () => {
  const gapMs = 60;
  const clock = new ManualClock(1000);
  const starts: number[] = [];
  const task = startRecurring(clock, gapMs, async () => {
    starts.push(clock.nowMs());
    return 1_000_000;
  });
  for (let ms = 0; ms < 4 * gapMs; ms++) {
    for (let turn = 0; turn < 100; turn++) task.hurry();
    await advance(clock, 1);
  }
  await task.stop();
  assert.deepEqual(starts, [1000, 1060, 1120, 1180, 1240]);
});

test('hurry during a run is remembered, and a stopped task runs no more', async () => {
  let runs = 0;
  let aborted = false;
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const task = startRecurring(wallClock, 0, async (signal) => {
    const gate = gates[runs++];
    signal.addEventListener('abort', () => {
      aborted = true;
      gate?.reject(new Error('stopped'));
    });
    await gate?.promise;
    return 1_000_000;
  });
  task.hurry();
  gates[0]!.resolve();
  await eventually('the second run', () => runs === 2);
  await task.stop();
  assert.ok(aborted);
  task.hurry();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(runs, 2);
});
