import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import type { PeerKey } from '../../src/core/io.ts';
import { createExchange } from '../../src/network/exchange/exchange.ts';
import { askAboutRun, serveAboutRuns } from '../../src/network/exchange/run-question.ts';
import { HiddenRun, sealBytes } from '../../src/network/hidden-run.ts';
import type { Host } from '../../src/network/host/host.ts';
import { peerIdOf } from '../../src/network/identity.ts';
import {
  announcementTopic,
  exchangeProtocol,
  MANIFEST_PROTOCOL,
  runCid,
} from '../../src/network/protocols.ts';
import { keysAskedOf } from './dht-listener.ts';
import { connected, eventually, loopbackHost, someRunId } from './real-hosts.ts';
import { asking, type RunMember, runMember } from './run-member.ts';

const runId = someRunId('hidden');
const secret = new Uint8Array(32).fill(7);
const [alice, bob, eve] = ['aa', 'bb', 'ee'].map((byte) => byte.repeat(32)) as [PeerKey, PeerKey, PeerKey];
const text = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString();

describe('the names and seals of a hidden run', () => {
  const run = new HiddenRun(runId, secret);
  const others = [
    new HiddenRun(runId, new Uint8Array(32).fill(8)),
    new HiddenRun(someRunId('another'), secret),
  ];

  test('follow from its secret and its id, and from both', () => {
    const again = new HiddenRun(runId, secret);
    assert.equal(again.name, run.name);
    assert.ok(again.cid.equals(run.cid));
    assert.match(run.name, /^[0-9a-f]{64}$/);
    for (const other of others) {
      assert.notEqual(other.name, run.name);
      assert.ok(!other.cid.equals(run.cid));
      assert.notEqual(other.question('/p', alice, bob), run.question('/p', alice, bob));
    }
    assert.ok(!run.cid.equals(runCid(runId)));
  });

  test('open for whom they were sealed, of whom, unchanged, and for nobody else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), (bytes, at) => {
        const sealed = run.seal(bytes, alice, bob);
        assert.equal(sealed.length, bytes.length + sealBytes);
        assert.deepEqual(run.open(sealed, alice, bob), bytes);
        assert.equal(run.open(sealed, eve, bob), null);
        assert.equal(run.open(sealed, alice, eve), null);
        for (const other of others) assert.equal(other.open(sealed, alice, bob), null);
        const told = run.sealAnnouncement(bytes);
        assert.deepEqual(run.sealAnnouncement(bytes), told, 'gossip knows it again');
        assert.deepEqual(run.openAnnouncement(told), bytes);
        for (const other of others) assert.equal(other.openAnnouncement(told), null);
        for (const each of [sealed, told]) {
          const changed = Uint8Array.from(each);
          changed[at % changed.length]! ^= 1;
          assert.equal(run.open(changed, alice, bob) ?? run.openAnnouncement(changed), null);
          assert.equal(run.open(each.subarray(1), alice, bob), null);
        }
      }),
    );
  });

  test('a question and a receipt are worth something between two peers alone', () => {
    const question = run.question('/p', alice, bob);
    assert.ok(run.isQuestion(question, '/p', alice, bob));
    assert.ok(!run.isQuestion(question, '/q', alice, bob));
    assert.ok(!run.isQuestion(question, '/p', eve, bob));
    assert.ok(!run.isQuestion(question, '/p', bob, alice));
    const receipt = run.receipt(secret, alice, bob);
    assert.ok(run.isReceipt(receipt, secret, alice, bob));
    assert.ok(!run.isReceipt(receipt, secret, bob, alice));
    assert.ok(!run.isReceipt(undefined, secret, alice, bob));
  });

  test('whoever has the secret and is no member is told nothing all the same', () => {
    const closed = new HiddenRun(runId, secret, (peer) => peer !== eve);
    assert.ok(!closed.isQuestion(run.question('/p', eve, bob), '/p', eve, bob));
    assert.equal(closed.open(run.seal(secret, eve, bob), eve, bob), null);
    assert.ok(!closed.isReceipt(run.receipt(secret, bob, eve), secret, bob, eve));
  });
});

/** Two members who know a stranger alone, through whom they find each other. */
async function pair(hidden: HiddenRun | undefined) {
  const [stranger, a, b] = (await Promise.all([1, 2, 3].map(() => loopbackHost()))) as [Host, Host, Host];
  const asked = keysAskedOf(stranger);
  await connected(a, stranger);
  await connected(b, stranger);
  const discovery = {
    ...{ provide: { firstMs: 200, maxMs: 1_000 }, find: { firstMs: 100, maxMs: 500 } },
    ...{ findWhenEnoughMs: 60_000, findAtRestMs: 60_000, queryTimeoutMs: 5_000 },
  };
  const members = [a, b].map((host) => runMember(host, runId, { hidden, discovery })) as [
    RunMember,
    RunMember,
  ];
  await Promise.all(members.map((member) => member.start()));
  await eventually(
    'they found each other',
    () => members[0].up.includes(b.key) && members[1].up.includes(a.key),
    30_000,
  );
  const stop = async (): Promise<void> => {
    await Promise.all(members.map(({ transport }) => transport.stop()));
    await Promise.all([stranger, a, b].map((host) => host.stop()));
  };
  return { stranger, asked, members, a, b, stop };
}

/** What the DHT is asked for where somebody looks for the run by its id: the multihash, and its hash. */
const traces = [
  Buffer.from(runCid(runId).multihash.bytes).toString('hex'),
  createHash('sha256').update(runCid(runId).multihash.bytes).digest('hex'),
];

const wasInDht = (asked: readonly string[]): boolean =>
  asked.some((key) => traces.some((trace) => key.includes(trace)));

const sees = async ({ stranger, asked, members }: Awaited<ReturnType<typeof pair>>) => {
  const heard = new Set<string>();
  for (const { host } of members) {
    const { protocols } = await stranger.libp2p.peerStore.get(host.libp2p.peerId);
    for (const protocol of protocols) heard.add(protocol);
  }
  return {
    inDht: wasInDht(asked),
    inProtocols: [...heard].some((protocol) => protocol.includes(runId)),
    inTopics: stranger.gossip.subscribers(announcementTopic(runId)).size > 0,
  };
};

describe('a stranger through whom members find each other', { timeout: 120_000 }, () => {
  const hidden = new HiddenRun(runId, secret);
  let world: Awaited<ReturnType<typeof pair>>;
  before(async () => {
    world = await pair(hidden);
  });
  after(() => world.stop());

  test('sees a run that is not hidden in the DHT, among protocols and topics', async () => {
    const open = await pair(undefined);
    try {
      await eventually(
        'gossip told, and the DHT was asked',
        () => open.stranger.gossip.subscribers(announcementTopic(runId)).size > 0 && wasInDht(open.asked),
      );
      assert.deepEqual(await sees(open), { inDht: true, inProtocols: true, inTopics: true });
    } finally {
      await open.stop();
    }
  });

  test('sees nothing of the id of one that is, and was asked all the same', async () => {
    assert.ok(world.asked.length > 0);
    const provided = Buffer.from(hidden.cid.multihash.bytes).toString('hex');
    assert.ok(
      world.asked.some((key) => key.includes(provided)),
      'it is how they found each other',
    );
    assert.deepEqual(await sees(world), { inDht: false, inProtocols: false, inTopics: false });
    for await (const found of world.stranger.libp2p.contentRouting.findProviders(runCid(runId), {
      signal: AbortSignal.timeout(5_000),
    })) {
      assert.fail(`${found.id} says that it has the run`);
    }
  });

  test('members talk as in any run', async () => {
    const [first, second] = world.members;
    const [answer] = await first.transport.request(world.b.key, Buffer.from('this'), asking());
    assert.match(text(answer), /asked this of/);
    await eventually('gossip is there', () =>
      world.a.gossip.subscribers(announcementTopic(hidden.name)).has(world.b.key),
    );
    await first.transport.announce(Buffer.from('for members'));
    await eventually('it is heard', () => second.heard.includes('for members'));
  });

  test('who takes a name from the list of a member gets nothing by it', async () => {
    const { stranger, members, a } = world;
    const name = exchangeProtocol(hidden.name);
    const { protocols } = await stranger.libp2p.peerStore.get(a.libp2p.peerId);
    assert.ok(protocols.includes(name), 'it can be read');
    // It speaks the protocol as well, and is in the topic: no member counts it among the peers or tells it anything.
    const requests: string[] = [];
    const serve = async (_: PeerKey, bytes: Uint8Array): Promise<Uint8Array[]> => {
      requests.push(text(bytes));
      return [bytes];
    };
    const posing = createExchange({ host: stranger, runId: hidden.name, serve, onEvent: () => {} });
    await posing.start();
    const heard: string[] = [];
    stranger.gossip.join(announcementTopic(hidden.name), async (_, bytes) => {
      heard.push(text(bytes));
      return 'accept';
    });
    await eventually('members have asked it to show that it is one', () => requests.length > 0);
    await assert.rejects(posing.request(a.key, Buffer.from('this'), asking()), { code: 'REFUSED' });
    await eventually('gossip is there', () =>
      a.gossip.subscribers(announcementTopic(hidden.name)).has(stranger.key),
    );
    await members[0].transport.announce(Buffer.from('for members alone'));
    await eventually('it is heard', () => members[1].heard.includes('for members alone'));
    await eventually('and so is what cannot be read', () => heard.length > 0);
    assert.ok(!heard.some((each) => each.includes('members')));
    assert.ok(requests.every((each) => !each.includes('asked') && each.length > 0));
    for (const { up, transport } of members) {
      assert.ok(!up.includes(stranger.key));
      assert.ok(!transport.stats().peers.includes(stranger.key));
    }
    // What it makes up itself is no announcement.
    await stranger.gossip.publish(announcementTopic(hidden.name), randomBytes(100));
    await eventually('it is refused', () =>
      members.some(({ transport }) => transport.stats().announcementsRejected > 0),
    );
    stranger.gossip.leave(announcementTopic(hidden.name));
    await posing.stop();
  });

  test('questions by the id are not answered, and those that are sealed are to members alone', async () => {
    const { stranger, a, b } = world;
    const stop = await serveAboutRuns(a, MANIFEST_PROTOCOL, (question, from) =>
      from !== null && hidden.isQuestion(question, MANIFEST_PROTOCOL, from, a.key) ? Buffer.from('it') : null,
    );
    const question = { protocol: MANIFEST_PROTOCOL, bytesMax: 100, timeoutMs: 5_000 };
    const ask = (host: Host, as: { runId: string; hidden?: HiddenRun }) =>
      askAboutRun({ host, ...as }, peerIdOf(a.key), question, new AbortController().signal).then(text);
    assert.equal(await ask(b, { runId, hidden }), 'it');
    assert.equal(await ask(b, { runId }), '');
    assert.equal(await ask(stranger, { runId }), '');
    // What a member would have asked with, on the line of another.
    const stolen = hidden.question(MANIFEST_PROTOCOL, b.key, a.key);
    assert.equal(await ask(stranger, { runId: stolen }), '');
    await stop();
  });
});
