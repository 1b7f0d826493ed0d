import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serveClock } from '../../../src/network/exchange/clock-exchange.ts';
import { ClockWatch } from '../../../src/node/clock/clock-watch.ts';
import { connected, eventually, loopbackHost, someRunId } from '../../network/real-hosts.ts';
import { ManualClock } from '../manual-clock.ts';

test('once the run is over a peer is asked for its clock every five minutes, and at once where it goes on', async () => {
  const [ours, theirs] = await Promise.all([1, 2].map(() => loopbackHost({ carriesRuns: false })));
  const clock = new ManualClock(1_000_000);
  let asked = 0;
  const watch = new ClockWatch({
    ...{ host: ours!, runId: someRunId('watch'), clock, random: Math.random, nowMs: Date.now },
    peers: () => [theirs!.key],
  });
  /** How much time goes by until it is asked once more. */
  const untilAsked = async (stepMs = 1000): Promise<number> => {
    const [sinceMs, before] = [clock.nowMs(), asked];
    await eventually('it is asked', () => {
      if (asked === before) clock.advanceTo(clock.nowMs() + stepMs);
      return asked > before;
    });
    return clock.nowMs() - sinceMs;
  };
  try {
    await connected(ours!, theirs!);
    await serveClock(theirs!, () => {
      asked += 1;
      return Date.now();
    });
    watch.start();
    await eventually('it is asked at first', () => asked === 1);
    watch.rest(true);
    // What was due already.
    await untilAsked();
    assert.ok((await untilAsked(30_000)) >= 300_000);
    watch.rest(false);
    assert.ok((await untilAsked()) < 300_000);
  } finally {
    await watch.stop();
    await Promise.all([ours!.stop(), theirs!.stop()]);
  }
});
