/** Answers that nobody reads: in seconds of a busy machine, so not with the quick ones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frameOf, stage, windowType } from '../network/unread-stage.ts';

test('who opens streams as fast as it can and never reads is dropped once 4 MiB wait for it', async (t) => {
  const { host, flood, waitedBytes } = await stage(t);
  await flood((index) => frameOf(windowType, 100_001 + 2 * index, 0));
  assert.equal(host.libp2p.getConnections().length, 0);
  assert.ok(waitedBytes() <= 5 << 20, `${waitedBytes()} bytes waited`);
});
