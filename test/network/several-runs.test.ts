import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fetchManifest, serveManifests } from '../../src/network/exchange/manifest-exchange.ts';
import type { Host } from '../../src/network/host/host.ts';
import { peerIdOf } from '../../src/network/identity.ts';
import { announcementTopic, exchangeProtocol, runCid } from '../../src/network/protocols.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';
import { connected, eventually, loopbackHost, someRunId } from './real-hosts.ts';
import { asking, gossiping, type RunMember, runMember } from './run-member.ts';

const peersOf = ({ transport }: RunMember) => [...transport.stats().peers].sort();
const keysOf = (...hosts: Host[]) => hosts.map(({ key }) => key).sort();
const text = (frames: readonly Uint8Array[]) => Buffer.from(frames[0]!).toString();

/** Provider records that a host itself holds. */
async function ownRecordsOf(host: Host, runId: string): Promise<string[]> {
  const providers: string[] = [];
  for await (const event of host.libp2p.services.dht.findProviders(runCid(runId))) {
    if (event.name === 'PROVIDER' && event.from.equals(host.libp2p.peerId)) {
      providers.push(...event.providers.map(({ id }) => id.toString()));
    }
  }
  return providers;
}

describe('two runs on the same two hosts, one of them on a third host too', () => {
  const one = someRunId('run one');
  const two = someRunId('run two');
  let a: Host;
  let b: Host;
  let c: Host;
  let a1: RunMember;
  let a2: RunMember;
  let b1: RunMember;
  let b2: RunMember;
  let c2: RunMember;

  const connectionsBetween = (from: Host, to: Host) =>
    from.libp2p.getConnections(peerIdOf(to.key)).map(({ id }) => id);

  before(async () => {
    [a, b, c] = (await Promise.all([loopbackHost(), loopbackHost(), loopbackHost()])) as [Host, Host, Host];
    await connected(b, a);
    await connected(c, a);
    [a1, b1] = [runMember(a, one), runMember(b, one)];
    [a2, b2, c2] = [runMember(a, two), runMember(b, two), runMember(c, two)];
    await Promise.all([a1, a2, b1, b2, c2].map((member) => member.start()));
  });
  after(async () => {
    await Promise.all([a1, a2, b1, b2, c2].map(({ transport }) => transport.stop()));
    await Promise.all([a, b, c].map((host) => host.stop()));
  });

  test('each run finds its own peers and nobody else', async () => {
    await eventually('both runs are complete', () =>
      [a2, b2, c2].every((member) => peersOf(member).length === 2),
    );
    await eventually('and so is the smaller one', () => peersOf(a1).length === 1 && peersOf(b1).length === 1);
    assert.deepEqual(peersOf(a1), keysOf(b));
    assert.deepEqual(peersOf(a2), keysOf(b, c));
    assert.ok([a1, b1].every(({ up }) => !up.includes(c.key)));
  });

  test('announcements, requests and counts stay within their run', async () => {
    await Promise.all([gossiping([a1, b1]), gossiping([a2, b2, c2])]);
    await a1.transport.announce(Buffer.from('of one'));
    await a2.transport.announce(Buffer.from('of two'));
    await eventually(
      'each is heard',
      () => [b2, c2].every(({ heard }) => heard.includes('of two')) && b1.heard.includes('of one'),
    );
    assert.deepEqual([b1.heard, b2.heard, c2.heard], [['of one'], ['of two'], ['of two']]);
    assert.match(
      text(await a1.transport.request(b.key, Buffer.from('this'), asking())),
      new RegExp(`${one}$`),
    );
    assert.match(
      text(await a2.transport.request(b.key, Buffer.from('this'), asking())),
      new RegExp(`${two}$`),
    );
    await assert.rejects(a1.transport.request(c.key, Buffer.from('this'), asking()), {
      code: 'STREAM_FAILED',
    });
    const [stats1, stats2] = [a1.transport.stats(), a2.transport.stats()];
    assert.equal(stats1.announcedBytesOut, 'of one'.length);
    assert.equal(b2.transport.stats().announcedBytesIn, 'of two'.length);
    assert.equal(stats2.requestsOut, 1);
    assert.ok(stats2.exchangedBytesIn > 64 && stats2.exchangedBytesIn < 300, `${stats2.exchangedBytesIn}`);
    assert.deepEqual(
      [stats1.bytesOut, stats1.bytesIn].map((bytes) => bytes > 1_000),
      [true, true],
      'the totals are those of the host',
    );
  });

  test('the same bytes are another message in another run', async () => {
    await a1.transport.announce(Buffer.from('the same'));
    await eventually('the first run hears it', () => b1.heard.includes('the same'));
    await b2.transport.announce(Buffer.from('the same'));
    await eventually('and so does the second', () =>
      [a2, c2].every(({ heard }) => heard.includes('the same')),
    );
  });

  test('one run leaves a host: its peers are told, the other run goes on over the same connection', async () => {
    const connections = connectionsBetween(a, b);
    assert.ok((await ownRecordsOf(b, one)).includes(b.libp2p.peerId.toString()));
    await b1.transport.stop();
    assert.deepEqual(b1.down, [a.key], 'whoever leaves has no peers');
    await eventually('it is down in the run it left', () => a1.down.includes(b.key));
    await eventually('gossip forgot it there', () => a.gossip.subscribers(announcementTopic(one)).size === 0);
    assert.deepEqual(connectionsBetween(a, b), connections, 'the connection is the one it was');
    assert.deepEqual([a2.down, b2.down, c2.down], [[], [], []]);
    await a2.transport.announce(Buffer.from('still here'));
    await eventually('the other run is heard', () =>
      [b2, c2].every(({ heard }) => heard.includes('still here')),
    );
    assert.match(text(await a2.transport.request(b.key, Buffer.from('and'), asking())), /asked and/);
    await assert.rejects(a1.transport.request(b.key, Buffer.from('you?'), asking()), {
      code: 'STREAM_FAILED',
    });
  });

  test('what it left is gone from the host: protocol, topic, tag, and the record it would renew', async () => {
    assert.ok(!b.libp2p.getProtocols().includes(exchangeProtocol(one)));
    assert.ok(b.libp2p.getProtocols().includes(exchangeProtocol(two)));
    assert.deepEqual(b.libp2p.services.gossip!.getTopics(), [announcementTopic(two)]);
    const { tags } = await b.libp2p.peerStore.get(peerIdOf(a.key));
    assert.ok(
      [...tags.keys()].every((tag) => !tag.includes(one)),
      [...tags.keys()].join(),
    );
    assert.ok(!(await ownRecordsOf(b, one)).includes(b.libp2p.peerId.toString()));
    assert.ok((await ownRecordsOf(b, two)).includes(b.libp2p.peerId.toString()), 'the other stays');
    const judged = b1.transport.stats().announcementsIn;
    await a1.transport.announce(Buffer.from('nobody listens'));
    await a2.transport.announce(Buffer.from('after that'));
    await eventually('what came after it arrived', () => b2.heard.includes('after that'));
    assert.equal(b1.transport.stats().announcementsIn, judged);
  });

  test('the host joins the run again and is up again, once', async () => {
    await b1.start();
    await eventually('both see each other', () => peersOf(a1).length === 1 && peersOf(b1).length === 1);
    await gossiping([a1, b1]);
    await b1.transport.announce(Buffer.from('back'));
    await eventually('it is heard', () => a1.heard.includes('back'));
    assert.deepEqual(a1.up, [b.key, b.key]);
    assert.deepEqual(a1.down, [b.key]);
  });

  test('a run that others have been in for long is gossiped about at once by who joins late', async () => {
    const three = someRunId('run three');
    const [a3, c3] = [runMember(a, three), runMember(c, three)];
    await c3.start();
    await eventually('the first is in', () => c3.log.events.some(({ kind }) => kind === 'provided'));
    await a3.start();
    try {
      await gossiping([a3, c3]);
      await Promise.all([
        a3.transport.announce(Buffer.from('from a')),
        c3.transport.announce(Buffer.from('from c')),
      ]);
      await eventually('both ways', () => a3.heard.includes('from c') && c3.heard.includes('from a'));
    } finally {
      await Promise.all([a3.transport.stop(), c3.transport.stop()]);
    }
  });

  test('a link let go in one run stays in the other', async () => {
    const four = someRunId('run four');
    const [a4, b4] = [runMember(a, four, { links: { deafMs: 500 } }), runMember(b, four)];
    await Promise.all([a4.start(), b4.start()]);
    try {
      await gossiping([a4, b4]);
      const connections = connectionsBetween(a, b);
      // Deaf in this run alone.
      b.gossip.leave(announcementTopic(four));
      await eventually('the run lets go', () =>
        a4.log.events.some((event) => event.kind === 'link-closed' && event.reason === 'deaf'),
      );
      assert.deepEqual(a4.down, [b.key]);
      await a2.transport.announce(Buffer.from('untouched'));
      await eventually('the other run goes on', () => b2.heard.includes('untouched'));
      assert.deepEqual(connectionsBetween(a, b), connections);
      assert.deepEqual([a2.down, b2.down], [[], []]);
    } finally {
      await Promise.all([a4.transport.stop(), b4.transport.stop()]);
    }
  });

  test('a run is on a host once', async () => {
    const again = runMember(a, two);
    await assert.rejects(again.start(), /was joined already/);
    await again.transport.stop();
    await a2.transport.announce(Buffer.from('as before'));
    await eventually('the first is as it was', () => c2.heard.includes('as before'));
  });

  test('manifests of all runs of a host are served, as they come and go', async () => {
    const manifests = new Map([[one, Buffer.from('manifest one')]]);
    const stop = await serveManifests(a, (runId) => manifests.get(runId) ?? null);
    try {
      const fetched = (runId: string, signal = AbortSignal.timeout(15_000)) =>
        fetchManifest({
          host: c,
          runId,
          open: (bytes) => Buffer.from(bytes).toString(),
          clock: wallClock,
          random: Math.random,
          signal,
        });
      assert.equal(await fetched(one), 'manifest one');
      const second = fetched(two);
      manifests.set(two, Buffer.from('manifest two'));
      assert.equal(await second, 'manifest two');
      manifests.delete(one);
      await assert.rejects(fetched(one, AbortSignal.timeout(1_500)), { code: 'NO_MANIFEST' });
    } finally {
      await stop();
    }
  });
});

test('a hundred runs on one host raise no warning, are known to others and leave nothing behind', async () => {
  const warnings: string[] = [];
  const onWarning = ({ message }: Error) => warnings.push(message);
  process.on('warning', onWarning);
  const [host, other] = await Promise.all([loopbackHost(), loopbackHost()]);
  const runIds = Array.from({ length: 100 }, (_, index) => someRunId(`many ${index}`));
  try {
    const before = host.libp2p.getProtocols();
    const members = runIds.map((runId) => runMember(host, runId));
    await Promise.all(members.map((member) => member.start()));
    assert.equal(host.libp2p.getProtocols().length, before.length + members.length);
    await assert.rejects(runMember(host, someRunId('one more')).start(), { code: 'TOO_MANY_RUNS' });
    // Identify and gossip have room for all of them.
    const late = runMember(other, runIds.at(-1)!);
    await late.start();
    await connected(other, host);
    await gossiping([late, members.at(-1)!]);
    await eventually('it is up', () => late.up.includes(host.key));
    await late.transport.stop();
    await Promise.all(members.map(({ transport }) => transport.stop()));
    assert.deepEqual(host.libp2p.getProtocols(), before);
    assert.deepEqual(host.libp2p.services.gossip!.getTopics(), []);
    assert.deepEqual(warnings, []);
  } finally {
    process.off('warning', onWarning);
    await Promise.all([host.stop(), other.stop()]);
  }
});
