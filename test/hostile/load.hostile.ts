/** Load: requests that are slow, endless, meaningless or too cheap to ask, and many fresh keys, while a run goes on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeOffer, openSnapshotHeader } from '../../src/log/snapshot.ts';
import { encodeRequest } from '../../src/log/wire.ts';
import { defaultExchangeLimits } from '../../src/network/exchange/limits.ts';
import type { ClusterNode } from '../cluster/cluster.ts';
import { crypto } from '../log/small-run.ts';
import { Arena, range } from './arena.ts';
import type { HostilePeer } from './hostile-peer.ts';
import { dawdle, junk } from './lies.ts';

const lorisKeys = 8;
const streamsPerKey = 8;
const crowdKeys = 20;
/** Links are settled after that long. */
const settleMs = 30_000;

/** 64 KiB of the smallest values that there are, in the form of a request. */
function manyValues(): Uint8Array {
  const bytes = new Uint8Array(64 << 10);
  // An array of 65,531 numbers, the first of which is the tag of a request for entries.
  bytes.set([0x99, 0xff, 0xfb, 0x01]);
  return bytes.subarray(0, 3 + 0xfffb);
}

/** On a new stream as soon as one is reset, until none is to be had. */
async function dawdleOn(peer: HostilePeer, node: ClusterNode, over: AbortSignal): Promise<void> {
  while (!over.aborted && (await dawdle(peer, node, over)));
}

/** Asks again as soon as it is answered, on eight streams. */
async function askForEver(
  peer: HostilePeer,
  node: ClusterNode,
  request: Uint8Array,
  over: AbortSignal,
): Promise<number> {
  let bytes = 0;
  const ask = async (): Promise<void> => {
    while (!over.aborted) {
      const frames = await peer.ask(node.key, request, 2_000).catch(() => null);
      bytes += (frames ?? []).reduce((sum, { length }) => sum + length, 0);
      await new Promise((resolve) => setTimeout(resolve, frames ? 0 : 20));
    }
  };
  await Promise.all(range(0, streamsPerKey).map(ask));
  return bytes;
}

/** Comes as a fresh key, and again whenever it is sent away. */
async function besiege(arena: Arena, node: ClusterNode, over: AbortSignal): Promise<void> {
  const peer = await arena.approach();
  while (!over.aborted) {
    if (!peer.peers.includes(node.key)) await peer.dial(node.addresses, 1).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  }
}

/** The root of the newest snapshot that a node offers. */
async function snapshotOf(peer: HostilePeer, node: ClusterNode, runId: string): Promise<Uint8Array> {
  const offers = await peer.ask(node.key, encodeRequest({ kind: 'snapshots' }));
  const { header } = decodeOffer(offers.at(-1)!)!;
  return openSnapshotHeader(header, runId, crypto)!.blobRoot;
}

test('requests that dawdle, repeat, mean nothing or lead nowhere', async (t) => {
  const over = new AbortController();
  t.after(() => over.abort());
  const arena = await Arena.begin(t, 4, { rounds: 32 });
  const [slow, amplifying, meaningless] = arena.honest as [
    ClusterNode,
    ClusterNode,
    ClusterNode,
    ClusterNode,
  ];
  const loris = await Promise.all(range(0, lorisKeys).map(() => arena.intrude({}, [slow])));
  const [prober, asker, babbler, liar] = (await Promise.all([
    arena.intrude({}, [slow]),
    arena.intrude({}, [amplifying]),
    arena.intrude({}, [meaningless]),
    arena.intrude({ answer: junk }),
  ])) as [HostilePeer, HostilePeer, HostilePeer, HostilePeer];
  for (const peer of loris) {
    for (const _ of range(0, streamsPerKey)) void dawdleOn(peer, slow, over.signal);
  }
  const probe = encodeRequest({ kind: 'snapshots' });
  const probed = { yes: 0, no: 0 };
  const babbled = askForEver(babbler, meaningless, manyValues(), over.signal);
  let amplified: Promise<number> | null = null;
  let askedSinceMs = 0;
  await arena.live(async (slot) => {
    prober.ask(slow.key, probe).then(
      () => probed.yes++,
      () => probed.no++,
    );
    if (slot < 12 || amplified !== null) return;
    const root = await snapshotOf(asker, amplifying, arena.cluster.runId);
    askedSinceMs = performance.now();
    amplified = askForEver(
      asker,
      amplifying,
      encodeRequest({ kind: 'segment', root, index: 0 }),
      over.signal,
    );
  });
  over.abort();
  const bytes = await amplified!;
  const seconds = (performance.now() - askedSinceMs) / 1_000;
  t.diagnostic(`${probed.yes} probes answered, ${probed.no} not; ${bytes} bytes of segments in ${seconds} s`);
  arena.assertUnharmed();
  assert.ok(probed.yes >= 20 && probed.no <= 0.1 * probed.yes);
  const { answerBurstBytes, answerBytesPerSecond, inboundPerPeerMax } = defaultExchangeLimits;
  // Beside what it may take, one answer for each of its seats.
  assert.ok(bytes <= answerBurstBytes + answerBytesPerSecond * seconds + inboundPerPeerMax * 256 * 1024);
  assert.ok(liar.asked > 20, 'nobody asked the liar');
  assert.equal(await babbled, 0);
  const { refused } = meaningless.session.status();
  assert.ok(refused['bad-request'] > 0 && refused['bad-request'] < 200, `${refused['bad-request']} judged`);
});

test('twenty fresh keys that come again whenever they are sent away', async (t) => {
  const over = new AbortController();
  t.after(() => over.abort());
  const arena = await Arena.begin(t, 5, { rounds: 16 });
  const crowded = arena.honest[0]!;
  arena.cluster.age(settleMs + 1_000);
  const crowd = range(0, crowdKeys).map(() => besiege(arena, crowded, over.signal));
  await arena.live();
  over.abort();
  await Promise.all(crowd);
  arena.assertUnharmed();
  const honest = new Set(arena.honest.map(({ key }) => key));
  const closed = arena.honest.flatMap(({ networkEvents }) =>
    networkEvents.flatMap((event) => (event.kind === 'link-closed' ? [event.peer] : [])),
  );
  const strangers = new Set(
    crowded.networkEvents.flatMap((event) =>
      event.kind === 'peer-up' && !honest.has(event.peer) ? [event.peer] : [],
    ),
  );
  t.diagnostic(`${strangers.size} strangers were linked, ${closed.length} links were closed`);
  // As many have brief places; what a larger crowd does is in test/network/crowded-links.test.ts.
  assert.equal(strangers.size, crowdKeys, 'it was no crowd');
  assert.ok(
    closed.every((peer) => !honest.has(peer)),
    'settled links were closed for strangers',
  );
});
