import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { announcementBytesMax } from '../../src/log/envelope.ts';
import { type Bootstraps, createBootstraps } from '../../src/network/discovery/bootstraps.ts';
import { AnnouncementTooLargeError } from '../../src/network/errors.ts';
import { encodeVarint } from '../../src/network/exchange/frames.ts';
import type { Host } from '../../src/network/host/host.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';
import { eventually, loopbackHost, someRunId } from './real-hosts.ts';
import { asking, gossiping, type RunMember, runMember, subscribers } from './run-member.ts';

interface TestNode extends RunMember {
  readonly bootstraps: Bootstraps;
}

async function testNode(runId: string, bootstrapAddresses: readonly string[]): Promise<TestNode> {
  const host = await loopbackHost();
  const member = runMember(host, runId, { links: { deafMs: 2_000 } });
  const bootstraps = createBootstraps({
    host,
    addresses: bootstrapAddresses,
    clock: wallClock,
    random: Math.random,
    onEvent: member.log.record,
  });
  bootstraps.start();
  await member.start();
  return { ...member, bootstraps };
}

async function stopNode(node: TestNode): Promise<void> {
  await node.bootstraps.stop();
  await node.transport.stop();
  await node.host.stop();
}

describe('four peers that know one bootstrap', () => {
  const runId = someRunId('four peers');
  let bootstrap: Host;
  let nodes: TestNode[];

  before(async () => {
    bootstrap = await loopbackHost({ carriesRuns: false });
    nodes = await Promise.all(Array.from({ length: 4 }, () => testNode(runId, bootstrap.addresses())));
  });
  after(async () => {
    await Promise.all(nodes.map(stopNode));
    await bootstrap.stop();
  });

  test('find each other by run id, each told once', async () => {
    await eventually('everybody has three peers', () =>
      nodes.every(({ transport }) => transport.stats().peers.length === 3),
    );
    for (const node of nodes) {
      const others = nodes.filter((other) => other !== node).map(({ host }) => host.key);
      assert.deepEqual([...node.up].sort(), others.sort());
      assert.ok(!node.up.includes(bootstrap.key), 'the bootstrap takes no part in the run');
    }
  });

  test('exchange announcements and requests', async () => {
    await gossiping(nodes);
    await nodes[0]!.transport.announce(Buffer.from('first'));
    await eventually('all others heard it', () =>
      nodes.slice(1).every(({ heard }) => heard.includes('first')),
    );
    assert.ok(!nodes[0]!.heard.includes('first'), 'our own announcement does not come back');

    const [asker, server] = nodes as [TestNode, TestNode];
    const frames = await asker.transport.request(server.host.key, Buffer.from('this'), asking());
    assert.equal(Buffer.from(frames[0]!).toString(), `${asker.host.key} asked this of ${runId}`);
    assert.deepEqual(frames[1], new Uint8Array(3));
  });

  test('do not forward what was rejected', async () => {
    await nodes[0]!.transport.announce(Buffer.from('bad news'));
    await nodes[0]!.transport.announce(Buffer.from('good news'));
    await eventually('the good news arrives', () =>
      nodes.slice(1).every(({ heard }) => heard.includes('good news')),
    );
    await eventually('the bad news is counted', () =>
      nodes.slice(1).some(({ transport }) => transport.stats().announcementsRejected > 0),
    );
    assert.ok(nodes.every(({ heard }) => !heard.includes('bad news')));
  });

  test('refuse to publish above the bound and survive the bound itself', async () => {
    await assert.rejects(
      nodes[1]!.transport.announce(new Uint8Array(announcementBytesMax + 1)),
      AnnouncementTooLargeError,
    );
    const full = 'x'.repeat(announcementBytesMax);
    await nodes[1]!.transport.announce(Buffer.from(full));
    await eventually('the largest announcement arrives', () => nodes[2]!.heard.includes(full));
    await nodes[1]!.transport.announce(Buffer.from('after the largest'));
    await eventually('the link still hears', () => nodes[2]!.heard.includes('after the largest'));
  });

  test('count true bytes of the wire', () => {
    const { bytesIn, bytesOut, requestsOut, announcementsOut } = nodes[1]!.transport.stats();
    assert.ok(bytesOut > announcementBytesMax, `${bytesOut}`);
    assert.ok(bytesIn > 1000, `${bytesIn}`);
    assert.equal(requestsOut, 0);
    assert.equal(announcementsOut, 2);
    assert.equal(nodes[0]!.transport.stats().requestsOut, 1);
    assert.equal(nodes[1]!.transport.stats().requestsIn, 1);
  });

  test('go on without the bootstrap', async () => {
    await bootstrap.stop();
    await eventually('the bootstrap is gone', () =>
      nodes.every(({ host }) => !host.libp2p.getPeers().some((id) => id.equals(bootstrap.libp2p.peerId))),
    );
    await nodes[3]!.transport.announce(Buffer.from('without a server'));
    await eventually('all others heard it', () =>
      nodes.slice(0, 3).every(({ heard }) => heard.includes('without a server')),
    );
    assert.ok(nodes.every(({ transport }) => transport.stats().peers.length === 3));
  });

  test('a peer that knows one of them joins without the bootstrap', async () => {
    const late = await testNode(runId, nodes[2]!.host.addresses());
    try {
      await eventually('it has four peers', () => late.transport.stats().peers.length === 4);
      await gossiping([...nodes, late]);
      await nodes[0]!.transport.announce(Buffer.from('welcome'));
      await eventually('it hears the run', () => late.heard.includes('welcome'));
    } finally {
      await stopNode(late);
    }
    await eventually('its end is noticed once by all', () =>
      nodes.every(({ down }) => down.filter((peer) => peer === late.host.key).length === 1),
    );
  });

  test('a link deaf for gossip is closed and made anew', async () => {
    const [a, b] = nodes as [TestNode, TestNode];
    // The start of a frame above the receiver's limit ends gossip on the link while the connection stays.
    const stream = b.host.libp2p
      .getConnections(a.host.libp2p.peerId)
      .flatMap(({ streams }) => streams)
      .find(({ protocol, direction }) => protocol.startsWith('/meshsub/') && direction === 'outbound');
    assert.ok(stream, 'there is a gossip stream to break');
    stream.send(Uint8Array.from([...encodeVarint(64 << 20), 1, 2, 3]));
    await eventually('gossip lost the peer', () => !subscribers(a).includes(b.host.key), 5_000);
    assert.ok(a.transport.stats().peers.includes(b.host.key), 'the link itself is up');
    await eventually('gossip has it again', () => subscribers(a).includes(b.host.key), 25_000);
    assert.ok(a.log.events.some((event) => event.kind === 'link-closed' && event.reason === 'deaf'));
  });
});
