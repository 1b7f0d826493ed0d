/** What strangers tell of a peer, and what it has signed of itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { multiaddr } from '@multiformats/multiaddr';
import { peerIdOf } from '../../../src/network/identity.ts';
import { connected, eventually, runlessHosts } from '../real-hosts.ts';

const someHost = runlessHosts();

/** Where nobody listens, all before any port that a host is given, in the order of texts too. */
const falseOnes = (from: number) =>
  Array.from({ length: 32 }, (_, port) => multiaddr(`/ip4/127.0.0.1/tcp/${from + port}`));

test('a peer that was met is dialled again, however many false addresses of it strangers tell', async () => {
  const [node, honest] = [await someHost(), await someHost()];
  const id = peerIdOf(honest.key);
  const { peerStore } = node.libp2p;
  let signed = 0;
  await connected(node, honest);
  await eventually('it has said where it is', () => {
    void peerStore.get(id).then(({ addresses }) => {
      signed = addresses.filter(({ isCertified }) => isCertified).length;
    });
    return signed > 0;
  });
  for (const from of [100, 132, 164]) await peerStore.merge(id, { multiaddrs: falseOnes(from) });
  const { addresses } = await peerStore.get(id);
  assert.equal(addresses.length, 64);
  assert.deepEqual(
    addresses.map(({ isCertified }) => isCertified),
    addresses.map((_, index) => index < signed),
  );
  await node.libp2p.hangUp(id);
  await node.libp2p.dial(id, { signal: AbortSignal.timeout(10_000) });
});

test('of a peer that nobody met its true address is not always behind the false ones', async () => {
  const node = await someHost();
  const id = peerIdOf('07'.repeat(32));
  const { peerStore } = node.libp2p;
  await peerStore.merge(id, {
    multiaddrs: [...falseOnes(100).slice(1), multiaddr('/ip4/127.0.0.1/tcp/999')],
  });
  // By its text it is the last. By chance it is so once in 32 times, not 400 times in a row.
  for (let again = 0; again < 400; again++) {
    const { addresses } = await peerStore.get(id);
    if (!addresses.at(-1)?.multiaddr.toString().endsWith('/999')) return;
  }
  assert.fail('it is always the last');
});
