import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askClock, serveClock } from '../../../src/network/exchange/clock-exchange.ts';
import { serveAboutRuns } from '../../../src/network/exchange/run-question.ts';
import { CLOCK_PROTOCOL } from '../../../src/network/protocols.ts';
import { connected, loopbackHost, someRunId } from '../real-hosts.ts';

test('a peer says what its clock of a run says, right to within the round trip', async () => {
  const [a, b, liar] = await Promise.all([1, 2, 3].map(() => loopbackHost({ carriesRuns: false })));
  const runId = someRunId('clock');
  const { signal } = new AbortController();
  const ask = (peer: string, run = runId) =>
    askClock(a!, peer, { runId: run, timeoutMs: 5000, nowMs: Date.now }, signal);
  try {
    await Promise.all([connected(a!, b!), connected(a!, liar!)]);
    await serveClock(b!, (run) => (run === runId ? Date.now() + 20_000 : null));
    await serveAboutRuns(liar!, CLOCK_PROTOCOL, () => Uint8Array.of(1, 2, 3));
    const began = Date.now();
    const { lowMs, highMs } = await ask(b!.key);
    assert.ok(lowMs <= -20_000 + 1 && highMs >= -20_000 - 1, `${lowMs} to ${highMs}`);
    assert.ok(highMs - lowMs <= Date.now() - began + 1, 'as wide as the round trip');
    await assert.rejects(ask(b!.key, someRunId('other')), /does not say what its clock says/);
    await assert.rejects(ask(liar!.key), /does not say what its clock says/);
  } finally {
    await Promise.all([a, b, liar].map((host) => host!.stop()));
  }
});

test('a stream on which nothing happens any more is given up in time, and at once where the asker stops', async () => {
  const a = await loopbackHost({ carriesRuns: false });
  const silent = { newStream: () => new Promise<never>(() => {}) };
  const libp2p = Object.create(a.libp2p, { dial: { value: async () => silent } });
  const stopping = new AbortController();
  const ask = (timeoutMs: number) => {
    const question = { runId: someRunId('clock'), timeoutMs, nowMs: Date.now };
    return askClock({ ...a, libp2p }, a.key, question, stopping.signal);
  };
  try {
    await assert.rejects(ask(50), /did not answer/);
    const asked = ask(60_000);
    stopping.abort(new Error('it stops'));
    await assert.rejects(asked, /it stops/);
    await assert.rejects(ask(60_000), /it stops/);
  } finally {
    await a.stop();
  }
});
