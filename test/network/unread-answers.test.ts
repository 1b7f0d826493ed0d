import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frameOf, pingType, resetFlag, stage, startFlag, windowType } from './unread-stage.ts';

test('who pings as fast as it can and never reads is dropped after some pings', async (t) => {
  const { host, flood, waitedBytes } = await stage(t);
  await flood((index) => frameOf(pingType, 0, index));
  assert.equal(host.libp2p.getConnections().length, 0);
  assert.ok(waitedBytes() < 1 << 20, `${waitedBytes()} bytes waited`);
});

test('who opens streams and resets them as fast as it can is dropped after some thousand', async (t) => {
  const { host, flood } = await stage(t);
  let sent = 0;
  await flood((index) => {
    sent = index;
    const isReset = index % 2 === 1;
    return frameOf(windowType, 100_001 + index - (index % 2), 0, isReset ? resetFlag : startFlag);
  });
  assert.equal(host.libp2p.getConnections().length, 0);
  assert.ok(sent < 40_000, `${sent / 2} streams`);
});
