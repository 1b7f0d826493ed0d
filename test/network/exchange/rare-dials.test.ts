import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from '@libp2p/interface';
import { RareDials } from '../../../src/network/exchange/rare-dials.ts';
import { identityFromSeed } from '../../../src/network/identity.ts';

const keyOf = (index: number): string => identityFromSeed(new Uint8Array(32).fill(index)).key;
const { signal } = new AbortController();

test('who was not reached is left in peace the longer the more often, and nobody else is', async () => {
  let [nowMs, dialled, isThere] = [0, 0, false];
  const libp2p = {
    async dial() {
      dialled++;
      if (!isThere) throw new Error('connection refused');
      return {} as Connection;
    },
  };
  const dials = new RareDials({ libp2p, nowMs: () => nowMs, random: () => 0.999 });
  const mute = keyOf(1);
  const failed = { code: 'NOT_CONNECTED' };
  const triedAt: number[] = [];
  for (; nowMs < 3_600_000; nowMs += 1000) {
    const before = dialled;
    await assert.rejects(dials.to(mute, signal), failed);
    if (dialled > before) triedAt.push(nowMs / 1000);
  }
  assert.deepEqual(triedAt.slice(0, 5), [0, 5, 15, 35, 75]);
  assert.ok(triedAt.length < 20, `${triedAt.length} tries in an hour`);
  isThere = true;
  await dials.to(keyOf(2), signal);
  await assert.rejects(dials.to(mute, signal), /a moment ago/);
  nowMs += 300_000;
  await dials.to(mute, signal);
  isThere = false;
  // It was reached: it has failed once.
  await assert.rejects(dials.to(mute, signal), /refused/);
  nowMs += 5_000;
  await assert.rejects(dials.to(mute, signal), /refused/);
});
