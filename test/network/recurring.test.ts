import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRecurring } from '../../src/network/recurring.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';
import { eventually } from './real-hosts.ts';

test('runs at once, then again after what the task says, and never twice at a time', async () => {
  const starts: number[] = [];
  let running = 0;
  const task = startRecurring(wallClock, 0, async () => {
    assert.equal(++running, 1);
    starts.push(wallClock.nowMs());
    await new Promise((resolve) => setImmediate(resolve));
    running--;
    return 20;
  });
  assert.equal(starts.length, 1);
  await eventually('it ran four times', () => starts.length === 4);
  await task.stop();
  assert.ok(
    starts.every((start, turn) => turn === 0 || start - starts[turn - 1]! >= 20),
    `${starts}`,
  );
});

test('hurry comes before the time and never sooner than the gap, however often it is asked', async () => {
  const gapMs = 60;
  const starts: number[] = [];
  const task = startRecurring(wallClock, gapMs, async () => {
    starts.push(wallClock.nowMs());
    return 1_000_000;
  });
  let asked = 0;
  await eventually('it ran five times', () => {
    for (let turn = 0; turn < 100; turn++, asked++) task.hurry();
    return starts.length === 5;
  });
  await task.stop();
  assert.ok(asked >= 500);
  assert.ok(
    starts.every((start, turn) => turn === 0 || start - starts[turn - 1]! >= gapMs),
    `${starts}`,
  );
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
