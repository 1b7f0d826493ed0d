/** A stranger that tells of more peers than anybody knows, and of more addresses than anybody has. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { lpStream } from '@libp2p/utils';
import { multiaddr } from '@multiformats/multiaddr';
import { Message } from '../../../src/core/protobuf.ts';
import { encodeVarint } from '../../../src/network/exchange/frames.ts';
import type { Host } from '../../../src/network/host/host.ts';
import { peerIdOf } from '../../../src/network/identity.ts';
import { KAD_PROTOCOL, runCid } from '../../../src/network/protocols.ts';
import { keysAskedOf } from '../dht-listener.ts';
import { connected, eventually, loopbackHost, someRunId } from '../real-hosts.ts';

const peers = 300;
const [addProvider, getProviders, ping] = [2, 3, 5];

/** That many, each with an id and an address, as closer ones and again as providers. */
function flood(): Uint8Array {
  const message = new Message().integer(1, getProviders);
  for (let peer = 0; peer < 2 * peers; peer++) {
    const id = Buffer.concat([Buffer.from('002408011220', 'hex'), randomBytes(32)]);
    const address = multiaddr(`/ip4/127.0.0.1/tcp/${1 + (peer % 60_000)}`).bytes;
    message.message(peer < peers ? 8 : 9, new Message().bytes(1, id).bytes(2, address));
  }
  return Buffer.concat(message.parts);
}

/** Whatever it is asked, `liar` says that; resolves, once `node` has asked it, to how often it was asked since. */
async function answering(liar: Host, node: Host, answer: () => Uint8Array): Promise<() => number> {
  let answered = 0;
  await liar.libp2p.unhandle(KAD_PROTOCOL);
  await liar.libp2p.handle(KAD_PROTOCOL, async (stream) => {
    const bytes = lpStream(stream);
    await bytes.read();
    answered++;
    // Who hears no more of it closes the stream.
    await bytes.write(answer()).catch(() => {});
    await stream.close().catch(() => {});
  });
  await connected(liar, node);
  // Whoever serves the DHT is asked by itself.
  await eventually('the liar was asked', () => answered > 0);
  return () => answered;
}

async function search(node: Host, name: string): Promise<number> {
  const signal = AbortSignal.timeout(10_000);
  let providers = 0;
  for await (const _ of node.libp2p.contentRouting.findProviders(runCid(someRunId(name)), { signal }))
    providers++;
  return providers;
}

test('an answer that names hundreds of peers fills no store and stops nobody', async (t) => {
  const [node, liar] = [await loopbackHost(), await loopbackHost()];
  t.after(() => Promise.all([node.stop(), liar.stop()]));
  const answered = await answering(liar, node, flood);
  const providers = await search(node, 'flooded');
  assert.ok(providers > 0 && providers <= 32 * answered(), `${providers} providers`);
  const known = await node.libp2p.peerStore.all();
  assert.ok(known.length > 10 && known.length < 100 * answered(), `${known.length} peers`);
});

test('of an answer that is longer than any honest one nothing is heard, and no address of it taken apart', async (t) => {
  const [node, liar] = [await loopbackHost(), await loopbackHost()];
  t.after(() => Promise.all([node.stop(), liar.stop()]));
  const told: string[] = [];
  const { peerStore } = node.libp2p;
  const merge = peerStore.merge.bind(peerStore);
  peerStore.merge = (id, data, options) => {
    told.push(id.toString());
    return merge(id, data, options);
  };
  const named = (addresses: number): Uint8Array => {
    const peer = new Message().bytes(1, peerIdOf('07'.repeat(32)).toMultihash().bytes);
    const address = multiaddr('/ip4/10.0.0.1/tcp/1').bytes;
    for (let each = 0; each < addresses; each++) peer.bytes(2, address);
    return Buffer.concat(new Message().integer(1, getProviders).message(8, peer).parts);
  };
  let addresses = 10_000;
  await answering(liar, node, () => named(addresses));
  await search(node, 'too long');
  const isTold = (): boolean => told.includes(peerIdOf('07'.repeat(32)).toString());
  assert.equal(isTold(), false);
  addresses = 100;
  await search(node, 'short');
  await eventually('a shorter one is heard', isTold);
});

test('who asks is not told more of a peer than it hears, whatever the peer said of itself', async (t) => {
  const [node, talker, asker] = [await loopbackHost(), await loopbackHost(), await loopbackHost()];
  t.after(() => Promise.all([node.stop(), talker.stop(), asker.stop()]));
  await Promise.all([connected(talker, node), connected(asker, node)]);
  const signal = AbortSignal.timeout(20_000);
  const run = runCid(someRunId('talkative'));
  const provider = new Message().bytes(1, talker.libp2p.peerId.toMultihash().bytes);
  for (let name = 0; name < 30; name++)
    provider.bytes(2, multiaddr(`/dns4/${String(name).padStart(200, 'a')}/tcp/1`).bytes);
  const says = lpStream(await talker.libp2p.dialProtocol(node.libp2p.peerId, KAD_PROTOCOL, { signal }));
  const record = new Message().integer(1, addProvider).bytes(2, run.bytes).message(9, provider);
  await says.write(Buffer.concat(record.parts), { signal });
  await says.write(Buffer.concat(new Message().integer(1, ping).parts), { signal });
  await says.read({ signal });
  const asks = lpStream(await asker.libp2p.dialProtocol(node.libp2p.peerId, KAD_PROTOCOL, { signal }));
  await asks.write(Buffer.concat(new Message().integer(1, getProviders).bytes(2, run.bytes).parts), {
    signal,
  });
  const answer = Buffer.from((await asks.read({ signal })).subarray());
  assert.ok(answer.includes('aaaaaaaa'), 'some are told');
  // It stands among the closer peers too.
  assert.ok(answer.length < 2_500, `${answer.length} bytes`);
});

test('a peer has so many addresses, however many are told of it and however often', async (t) => {
  const [node, liar] = [await loopbackHost(), await loopbackHost()];
  t.after(() => Promise.all([node.stop(), liar.stop()]));
  await connected(liar, node);
  const signal = AbortSignal.timeout(20_000);
  const stream = await liar.libp2p.dialProtocol(node.libp2p.peerId, KAD_PROTOCOL, { signal });
  const bytes = lpStream(stream);
  const run = runCid(someRunId('provided'));
  for (let time = 0; time < 8; time++) {
    const provider = new Message().bytes(1, liar.libp2p.peerId.toMultihash().bytes);
    for (let port = 1; port <= 500; port++)
      provider.bytes(2, multiaddr(`/ip4/10.0.${time}.1/tcp/${port}`).bytes);
    const told = new Message().integer(1, addProvider).bytes(2, run.bytes).message(9, provider);
    await bytes.write(Buffer.concat(told.parts), { signal });
  }
  // Answered after what came before it on the same stream.
  await bytes.write(Buffer.concat(new Message().integer(1, ping).parts), { signal });
  await bytes.read({ signal });
  const { addresses } = await node.libp2p.peerStore.get(liar.libp2p.peerId);
  const isTold = addresses.some(({ multiaddr: address }) => address.toString().includes('/10.0.7.1/'));
  assert.ok(isTold && addresses.length <= 64, `${addresses.length} addresses`);
});

test('who says 5,000 times in one message that it provides something is believed once', async (t) => {
  const [node, liar] = [await loopbackHost(), await loopbackHost()];
  t.after(() => Promise.all([node.stop(), liar.stop()]));
  await connected(liar, node);
  const signal = AbortSignal.timeout(20_000);
  const merge = node.libp2p.peerStore.merge.bind(node.libp2p.peerStore);
  let merged = 0;
  node.libp2p.peerStore.merge = (...of) => {
    merged++;
    return merge(...of);
  };
  const told = new Message().integer(1, addProvider).bytes(2, runCid(someRunId('provided')).bytes);
  const address = multiaddr('/ip4/10.0.0.1/tcp/1').bytes;
  const self = liar.libp2p.peerId.toMultihash().bytes;
  for (let time = 0; time < 5_000; time++) told.message(9, new Message().bytes(1, self).bytes(2, address));
  const bytes = lpStream(await liar.libp2p.dialProtocol(node.libp2p.peerId, KAD_PROTOCOL, { signal }));
  await bytes.write(Buffer.concat(told.parts), { signal });
  await bytes.write(Buffer.concat(new Message().integer(1, ping).parts), { signal });
  await bytes.read({ signal });
  assert.ok(merged < 100, `${merged} times`);
});

test('who asks thousands of times at once waits, and others do not', async (t) => {
  const [node, flooder, other] = [await loopbackHost(), await loopbackHost(), await loopbackHost()];
  t.after(() => Promise.all([node.stop(), flooder.stop(), other.stop()]));
  await Promise.all([connected(flooder, node), connected(other, node)]);
  const signal = AbortSignal.timeout(20_000);
  const asked = keysAskedOf(node);
  const question = (name: string): { key: string; framed: Uint8Array } => {
    const key = runCid(someRunId(name)).bytes;
    const { parts } = new Message().integer(1, getProviders).bytes(2, key);
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    return { key: Buffer.from(key).toString('hex'), framed: Buffer.concat([encodeVarint(length), ...parts]) };
  };
  const often = question('flooded');
  const questions = 20_000;
  const dialled = await other.libp2p.dialProtocol(node.libp2p.peerId, KAD_PROTOCOL, { signal });
  const flood = await flooder.libp2p.dialProtocol(node.libp2p.peerId, KAD_PROTOCOL, { signal });
  flood.addEventListener('message', () => {});
  flood.send(Buffer.concat(new Array(questions).fill(often.framed)));
  await eventually('the flood has come', () => asked.includes(often.key));
  const bytes = lpStream(dialled);
  await bytes.write(question('asked').framed.subarray(1), { signal });
  await bytes.read({ signal });
  const answered = asked.filter((key) => key === often.key).length;
  assert.ok(answered < questions / 10, `${answered} of ${questions} were answered before`);
});
