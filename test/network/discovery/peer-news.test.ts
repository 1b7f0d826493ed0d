/** What answers of the DHT say again and again is written down once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lpStream } from '@libp2p/utils';
import { multiaddr } from '@multiformats/multiaddr';
import { Message } from '../../../src/core/protobuf.ts';
import { PeerNews } from '../../../src/network/discovery/peer-news.ts';
import { peerIdOf } from '../../../src/network/identity.ts';
import { KAD_PROTOCOL, runCid } from '../../../src/network/protocols.ts';
import { connected, eventually, loopbackHost, someRunId } from '../real-hosts.ts';

/** Keys of which nobody has the private part. */
const someone = (index: number) => peerIdOf(index.toString(16).padStart(64, '0'));

test('the same of a peer is news again after a while, and something else of it at once', () => {
  const news = new PeerNews();
  const isNews = (atMs: number, ...ports: readonly number[]): boolean =>
    news.isNews(
      { id: someone(1), multiaddrs: ports.map((port) => multiaddr(`/ip4/10.0.0.1/tcp/${port}`)) },
      atMs,
    );
  assert.equal(isNews(0, 1), true);
  assert.equal(isNews(10_000, 1), false);
  // Who lies of a peer hides nothing that others say of it.
  assert.equal(isNews(20_000, 2), true);
  assert.equal(isNews(20_001, 1), true);
  assert.equal(isNews(50_000, 1), false);
  assert.equal(isNews(50_001, 1), true);
});

test('as many peers as anybody names are remembered in bounded room, the oldest forgotten first', () => {
  const news = new PeerNews();
  const isNews = (index: number): boolean => news.isNews({ id: someone(index), multiaddrs: [] }, 0);
  for (let index = 0; index < 1_025; index++) assert.equal(isNews(index), true);
  assert.equal(isNews(1_024), false);
  assert.equal(isNews(1), false);
  assert.equal(isNews(0), true);
});

test('what a stranger tells at length is not kept', () => {
  const news = new PeerNews();
  const isNews = (...multiaddrs: readonly string[]): boolean =>
    news.isNews({ id: someone(1), multiaddrs: multiaddrs.map((text) => multiaddr(text)) }, 0);
  const long = `/dns4/${'a'.repeat(10_000)}/tcp/1`;
  assert.equal(isNews(long), true);
  assert.equal(isNews(long), true);
  // In whatever order, and of many those that the peer store takes.
  const many = Array.from({ length: 40 }, (_, port) => `/ip4/10.0.0.1/tcp/${port + 1}`);
  assert.equal(isNews(...many), true);
  assert.equal(isNews(...many.slice(0, 32).reverse()), false);
});

test('a peer that every answer names is written into the peer store once', async (t) => {
  const [node, teller] = [await loopbackHost(), await loopbackHost()];
  t.after(() => Promise.all([node.stop(), teller.stop()]));
  const named = someone(7);
  const [getProviders, closer] = [3, 8];
  let [answered, port] = [0, 1];
  await teller.libp2p.unhandle(KAD_PROTOCOL);
  await teller.libp2p.handle(KAD_PROTOCOL, async (stream) => {
    const bytes = lpStream(stream);
    await bytes.read();
    const peer = new Message()
      .bytes(1, named.toMultihash().bytes)
      .bytes(2, multiaddr(`/ip4/127.0.0.1/tcp/${port}`).bytes);
    await bytes.write(Buffer.concat(new Message().integer(1, getProviders).message(closer, peer).parts));
    answered++;
    await stream.close();
  });
  const { peerStore } = node.libp2p;
  const merge = peerStore.merge.bind(peerStore);
  const merged: string[] = [];
  peerStore.merge = (id, data, options) => {
    if (id.equals(named)) merged.push(...(data.multiaddrs ?? []).map(String));
    return merge(id, data, options);
  };
  await connected(teller, node);
  await eventually('it was asked', () => answered > 0);
  const search = async (name: string): Promise<void> => {
    const before = answered;
    const signal = AbortSignal.timeout(10_000);
    for await (const _ of node.libp2p.contentRouting.findProviders(runCid(someRunId(name)), { signal }));
    assert.ok(answered > before);
  };
  for (const name of ['a', 'b', 'c']) await search(name);
  // By the library's search and by libp2p's discovery.
  assert.ok(answered >= 4 && merged.length <= 2, `${merged.length} times for ${answered} answers`);
  port = 2;
  await search('d');
  await eventually('another address is news', () => merged.includes('/ip4/127.0.0.1/tcp/2'));
});
