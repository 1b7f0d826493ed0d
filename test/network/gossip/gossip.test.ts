import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Host } from '../../../src/network/host/host.ts';
import { connected, eventually, loopbackHost } from '../real-hosts.ts';

describe('gossip whose topics come and go', () => {
  let a: Host;
  let b: Host;
  const heard: string[] = [];
  const judge = async (_from: unknown, bytes: Uint8Array) => {
    const text = Buffer.from(bytes).toString();
    heard.push(text);
    return text.startsWith('bad') ? ('reject' as const) : ('accept' as const);
  };

  before(async () => {
    [a, b] = (await Promise.all([loopbackHost(), loopbackHost()])) as [Host, Host];
    await connected(a, b);
  });
  after(() => Promise.all([a.stop(), b.stop()]));

  const knows = (host: Host, topic: string, other: Host) => host.gossip.subscribers(topic).has(other.key);

  test('what a peer was in before we came is known when we come', async () => {
    b.gossip.join('early', judge);
    // Something after it on the same stream tells that it has long arrived.
    a.gossip.join('other', judge);
    b.gossip.join('other', judge);
    await eventually('the other topic is known', () => knows(a, 'other', b));
    a.gossip.join('early', judge);
    assert.ok(knows(a, 'early', b));
    await eventually('both ways', () => knows(b, 'early', a));
    assert.equal(await a.gossip.publish('early', Buffer.from('hello')), 1);
    await eventually('it is heard', () => heard.includes('hello'));
  });

  test('what comes for a topic that was left is dropped before it is remembered', async () => {
    b.gossip.leave('early');
    await eventually('a knows', () => !knows(a, 'early', b));
    // An honest peer sends nothing more; one that does is not listened to.
    const before = heard.length;
    const { gossip } = a.libp2p.services;
    const stream = a.libp2p
      .getConnections(b.libp2p.peerId)
      .flatMap(({ streams }) => streams)
      .find(({ protocol, direction }) => protocol.startsWith('/meshsub/') && direction === 'outbound');
    assert.ok(gossip && stream);
    stream.send(publishing('early', 'unwanted'));
    await a.gossip.publish('other', Buffer.from('wanted'));
    await eventually('what came after it is heard', () => heard.includes('wanted'));
    assert.deepEqual(heard.slice(before), ['wanted']);
    // It was not remembered either: joined again, the topic takes the same message as new.
    b.gossip.join('early', judge);
    stream.send(publishing('early', 'unwanted'));
    await eventually('it is new', () => heard.includes('unwanted'));
  });

  test('a topic is joined once', () => {
    assert.throws(() => a.gossip.join('other', judge), /was joined already/);
  });

  test('what is rejected sinks who sent it in every topic, and a little is forgiven', async () => {
    const [stranger, host] = await Promise.all([loopbackHost(), loopbackHost()]);
    try {
      await connected(stranger, host);
      for (const topic of ['one', 'two']) {
        host.gossip.join(topic, judge);
        stranger.gossip.join(topic, judge);
      }
      await eventually('they are in both', () =>
        ['one', 'two'].every((topic) => knows(stranger, topic, host)),
      );
      for (let index = 0; index < 4; index++) {
        await stranger.gossip.publish('one', Buffer.from(`bad ${index}`));
      }
      await stranger.gossip.publish('two', Buffer.from('good after four'));
      await eventually('four are forgiven', () => heard.includes('good after four'));
      for (let index = 4; index < 9; index++) {
        await stranger.gossip.publish('one', Buffer.from(`bad ${index}`));
      }
      const isGone = () => host.libp2p.getConnections(stranger.libp2p.peerId).length === 0;
      await eventually('it is cut off', isGone);
      assert.ok(!heard.includes('bad 8'), 'what came in the same breath as the fifth was judged still');
      await connected(stranger, host).catch(() => {});
      await eventually('and not let in again', isGone);
    } finally {
      await Promise.all([stranger.stop(), host.stop()]);
    }
  });
});

/** A gossipsub frame with one message, by hand: `RPC { publish: [{ data = 2, topic = 4 }] }`, publish = 2. */
function publishing(topic: string, text: string): Uint8Array {
  const field = (number: number, bytes: Uint8Array) =>
    Buffer.from([(number << 3) | 2, bytes.length, ...bytes]);
  const message = Buffer.concat([field(2, Buffer.from(text)), field(4, Buffer.from(topic))]);
  const rpc = field(2, message);
  return Buffer.concat([Buffer.from([rpc.length]), rpc]);
}

test('the mesh of a small network is thin', async () => {
  const hosts = await Promise.all(Array.from({ length: 6 }, () => loopbackHost()));
  try {
    for (const [index, host] of hosts.entries()) {
      for (const other of hosts.slice(index + 1)) await connected(host, other);
    }
    for (const host of hosts) host.gossip.join('small', async () => 'accept');
    const meshes = (): number[] => hosts.map(({ gossip }) => gossip.topics()[0]!.mesh);
    await eventually('all know each other', () =>
      hosts.every(({ gossip }) => gossip.subscribers('small').size === hosts.length - 1),
    );
    await eventually('all have two', () => meshes().every((mesh) => mesh >= 2));
    const links = meshes().reduce((sum, mesh) => sum + mesh, 0);
    assert.ok(links <= 4 * hosts.length, `${links} where ${5 * hosts.length} are linked`);
  } finally {
    await Promise.all(hosts.map((host) => host.stop()));
  }
});

test('who sends frames with nothing in them as fast as it can is cut off', async (t) => {
  const [node, flooder] = [await loopbackHost(), await loopbackHost()];
  t.after(() => Promise.all([node.stop(), flooder.stop()]));
  await connected(flooder, node);
  const outbound = () =>
    flooder.libp2p
      .getConnections(node.libp2p.peerId)
      .flatMap(({ streams }) => streams)
      .find(({ protocol, direction }) => protocol.startsWith('/meshsub/') && direction === 'outbound');
  await eventually('there is a stream of gossip', () => outbound() !== undefined);
  // A length of nothing.
  outbound()!.send(new Uint8Array(200_000));
  await eventually('it is cut off', () => node.libp2p.getConnections(flooder.libp2p.peerId).length === 0);
  assert.ok(node.reputation.isOutcast(flooder.libp2p.peerId));
});
