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
  await eventually('the host has it', () => host.libp2p.getConnections(reader.libp2p.peerId).length === 1);
  const [itsLine] = host.libp2p.getConnections(reader.libp2p.peerId);
  // Streams beyond those that may be open: each is answered with its end. All of these connections are cut then; libp2p dials again.
  await flood((index) => frameOf(windowType, 100_001 + 2 * index, 0));
  assert.ok(waitedBytes() < 3 * waitingBytesMax, `${waitedBytes()} bytes waited`);
  assert.equal(itsLine!.status, 'open', 'who reads stays');
});
