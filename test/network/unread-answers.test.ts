import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frameOf, pingType, stage } from './unread-stage.ts';

test('who pings as fast as it can and never reads is dropped after some pings', async (t) => {
  const { host, flood, waitedBytes } = await stage(t);
  await flood((index) => frameOf(pingType, 0, index));
  assert.equal(host.libp2p.getConnections().length, 0);
  assert.ok(waitedBytes() < 1 << 20, `${waitedBytes()} bytes waited`);
});
