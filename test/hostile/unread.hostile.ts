/** Answers that nobody reads: in seconds of a busy machine, so not with the quick ones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connected, eventually, loopbackHost } from '../network/real-hosts.ts';
import { frameOf, stage, windowType } from '../network/unread-stage.ts';

test('who opens streams as fast as it can and never reads is dropped once 4 MiB wait for it', async (t) => {
  const { host, flood, waitedBytes } = await stage(t);
  await flood((index) => frameOf(windowType, 100_001 + 2 * index, 0));
  assert.equal(host.libp2p.getConnections().length, 0);
  assert.ok(waitedBytes() <= 5 << 20, `${waitedBytes()} bytes waited`);
});

test('keys that read nothing, each less than one may, are let go once too much waits for all of them', async (t) => {
  const keys = 8;
  const waitingBytesMax = 1 << 20;
  const { host, flood, waitedBytes } = await stage(t, keys, { waitingBytesMax });
  const reader = await loopbackHost({ carriesRuns: false });
  t.after(() => reader.stop());
  await connected(reader, host);
  // Streams beyond those that may be open: each is answered with its end.
  await flood((index) => frameOf(windowType, 100_001 + 2 * index, 0));
  assert.ok(waitedBytes() < 3 * waitingBytesMax, `${waitedBytes()} bytes waited`);
  // A connection that was cut is in the host's list until its end was told.
  await eventually('the others are gone', () => host.libp2p.getPeers().length <= 1);
  assert.deepEqual(host.libp2p.getPeers().map(String), [reader.libp2p.peerId.toString()], 'who reads stays');
});
