/** A stranger that tells a host of more protocols than anybody speaks, and again and again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lpStream } from '@libp2p/utils';
import { Message } from '../../../src/core/protobuf.ts';
import { connected, eventually, loopbackHost } from '../real-hosts.ts';

const pushProtocol = '/ipfs/id/push/1.0.0';
const protocolsField = 3;
const isTold = /^[0-9a-z]+-\d+$/;

/** Ten messages of 32 KiB, which is what the library reads of one push. */
function pieces(turn: number): Uint8Array[] {
  return Array.from({ length: 10 }, (_, piece) => {
    const message = new Message();
    for (let index = 0; index < 3_000; index++)
      message.bytes(protocolsField, Buffer.from(`${(index * 10 + piece).toString(36)}-${turn}`));
    return Buffer.concat(message.parts);
  });
}

test('a peer speaks so many protocols, and says so so often', async (t) => {
  const [node, liar] = [await loopbackHost(), await loopbackHost()];
  t.after(() => Promise.all([node.stop(), liar.stop()]));
  await connected(liar, node);
  const of = () => node.libp2p.peerStore.get(liar.libp2p.peerId);
  const taken = new Set<string>();
  node.libp2p.addEventListener('peer:update', ({ detail: { peer } }) => {
    const told = peer.protocols.find((name) => isTold.test(name));
    if (told !== undefined && peer.id.equals(liar.libp2p.peerId)) taken.add(told);
  });
  const startedMs = performance.now();
  for (let turn = 0; turn < 40; turn++) {
    // One at a time is taken of a connection, and others are reset.
    const stream = await liar.libp2p.dialProtocol(node.libp2p.peerId, pushProtocol).catch(() => null);
    if (!stream) continue;
    try {
      const bytes = lpStream(stream);
      for (const piece of pieces(turn)) await bytes.write(piece);
      await stream.close();
    } catch {
      stream.abort(new Error('over'));
    }
  }
  await eventually('it was heard', () => taken.size > 0);
  const { protocols } = await of();
  assert.ok(protocols.length <= 600, `${protocols.length} protocols`);
  const seconds = (performance.now() - startedMs) / 1_000;
  assert.ok(taken.size <= 10 + seconds, `${taken.size} pushes in ${seconds} s`);
});
