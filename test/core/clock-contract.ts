/** What every `Clock` promises (src/core/ports.ts), as one suite: `clockContract` runs it against an implementation. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Clock } from '../../src/core/ports.ts';

export interface ClockHarness {
  readonly clock: Clock;
  /** Lets time pass until `condition` holds; fails when it does not within a long while. */
  until(condition: () => boolean): Promise<void>;
}

/** Lets `ms` of the clock pass and everything due by then happen. */
async function passes({ clock, until }: ClockHarness, ms: number): Promise<void> {
  let isOver = false;
  clock.schedule(clock.nowMs() + ms, () => {
    isOver = true;
  });
  await until(() => isOver);
}

const promises: Readonly<Record<string, (world: ClockHarness) => Promise<void>>> = {
  'it runs and does not go back': async (world) => {
    const times = [world.clock.nowMs()];
    for (let turn = 0; turn < 5; turn++) {
      await passes(world, 5);
      times.push(world.clock.nowMs());
    }
    assert.ok(
      times.every((time, turn) => turn === 0 || time > times[turn - 1]!),
      `${times}`,
    );
  },

  'calls back once, soon after the time and never before, in the order of the times': async (world) => {
    const { clock } = world;
    const startMs = clock.nowMs();
    const called: { readonly atMs: number; readonly nowMs: number }[] = [];
    const waits = [60, 20, 41, 0, 20, 5, 33, 1, 2, 3, 60];
    for (const wait of waits) {
      const atMs = startMs + wait;
      clock.schedule(atMs, () => called.push({ atMs, nowMs: clock.nowMs() }));
    }
    const scheduledMs = clock.nowMs();
    assert.deepEqual(called, [], 'not within the call');
    await world.until(() => called.length === waits.length);
    await passes(world, 80);
    assert.equal(called.length, waits.length, 'each once');
    for (const { atMs, nowMs } of called) assert.ok(nowMs >= atMs, `${nowMs - atMs} ms early`);
    // On a machine that stood still meanwhile some were past when they were scheduled: those come soon, in any order.
    const order = called.map(({ atMs }) => atMs).filter((atMs) => atMs > scheduledMs);
    const inOrder = order.filter((atMs, turn) => turn === 0 || atMs >= order[turn - 1]! - 1);
    assert.deepEqual(inOrder, order, 'a millisecond apart they may change places');
  },

  'a fraction of a millisecond is not too early either': async (world) => {
    const { clock } = world;
    const early: number[] = [];
    let called = 0;
    for (let turn = 0; turn < 40; turn++) {
      const atMs = clock.nowMs() + turn / 4 + 0.3;
      clock.schedule(atMs, () => {
        called++;
        if (clock.nowMs() < atMs) early.push(atMs - clock.nowMs());
      });
    }
    await world.until(() => called === 40);
    assert.deepEqual(early, []);
  },

  'a time that is past is soon, and not within the call': async (world) => {
    const called: string[] = [];
    const { clock } = world;
    clock.schedule(clock.nowMs() - 1_000_000, () => called.push('long past'));
    clock.schedule(0, () => called.push('the epoch'));
    clock.schedule(Number.NEGATIVE_INFINITY, () => called.push('always'));
    assert.deepEqual(called, []);
    const startMs = clock.nowMs();
    await world.until(() => called.length === 3);
    assert.ok(clock.nowMs() - startMs < 5_000);
  },

  'what is cancelled is never called; cancelling twice, or too late, is harmless': async (world) => {
    const { clock } = world;
    const called: string[] = [];
    const cancel = clock.schedule(clock.nowMs() + 20, () => called.push('cancelled'));
    const cancelPast = clock.schedule(clock.nowMs() - 20, () => called.push('cancelled'));
    const cancelLate = clock.schedule(clock.nowMs() + 1, () => called.push('called'));
    cancel();
    cancel();
    cancelPast();
    await world.until(() => called.length > 0);
    cancelLate();
    await passes(world, 40);
    assert.deepEqual(called, ['called']);
  },

  'one callback may cancel another that is due, and ask for more': async (world) => {
    const { clock } = world;
    const called: string[] = [];
    const atMs = clock.nowMs() + 10;
    let cancel = (): void => {};
    clock.schedule(atMs, () => {
      called.push('first');
      cancel();
      clock.schedule(clock.nowMs(), () => called.push('again'));
    });
    cancel = clock.schedule(atMs + 20, () => called.push('second'));
    await world.until(() => called.includes('again'));
    await passes(world, 40);
    assert.deepEqual(called, ['first', 'again']);
  },

  'a time years ahead does not come now': async (world) => {
    const { clock } = world;
    let called = 0;
    const cancels = [2 ** 31, 2 ** 31 + 1, 2 ** 32 + 5, 1e12].map((ms) =>
      clock.schedule(clock.nowMs() + ms, () => called++),
    );
    await passes(world, 30);
    for (const cancel of cancels) cancel();
    assert.equal(called, 0);
  },
};

/** @param harness a clock that runs */
export function clockContract(name: string, harness: () => ClockHarness): void {
  describe(`${name} is a clock`, () => {
    for (const [promise, holds] of Object.entries(promises)) test(promise, () => holds(harness()));
  });
}
