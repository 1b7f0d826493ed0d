import assert from 'node:assert/strict';
import { test } from 'node:test';
import { segmentCount } from '../../src/content/blob.ts';
import { hexToBytes } from '../../src/core/bytes.ts';
import type { PeerKey } from '../../src/core/io.ts';
import { BlobFetch } from '../../src/log/repair/blob-fetch.ts';
import { decodeOffer, openSnapshotHeader, type SnapshotHeader } from '../../src/log/snapshot.ts';
import { methodSchema } from '../../src/methods/registry.ts';
import { createCrypto } from '../../src/platform/node/crypto.ts';
import type { RunSpec } from '../../src/run/run-spec.ts';
import { eventually } from '../network/real-hosts.ts';
import { Cluster, keysOf } from './cluster.ts';
import type { Guest } from './guest.ts';

const deadlineMs = 60_000;
const windowRounds = 6;
const crypto = createCrypto();

/** A joiner at its own pace: it has as much of one snapshot as it was told to get. */
class SlowJoiner {
  readonly #guest: Guest;
  readonly #runId: string;

  constructor(guest: Guest, runId: string) {
    this.#guest = guest;
    this.#runId = runId;
  }

  /** What the peer offers now, oldest first. */
  async offers(peer: PeerKey): Promise<SnapshotHeader[]> {
    const frames = await this.#guest.ask(peer, { kind: 'snapshots' });
    return frames.map((frame) => openSnapshotHeader(decodeOffer(frame)!.header, this.#runId, crypto)!);
  }

  /** Waits until the peer offers a snapshot; the newest. */
  async offered(peer: PeerKey): Promise<SnapshotHeader> {
    let newest: SnapshotHeader | undefined;
    await this.#until('it offers a snapshot', async () => {
      newest = (await this.offers(peer)).at(-1);
      return newest !== undefined;
    });
    return newest!;
  }

  async replaced(peer: PeerKey, round: number): Promise<void> {
    // Its log reaches back four windows, and so do the snapshots that it holds itself.
    await this.#until(`that of round ${round} is long past`, async () =>
      (await this.offers(peer)).some((offer) => offer.round > round + 5 * windowRounds),
    );
  }

  /** Asks for the next parts, `times` times. A refusal rejects. */
  async pull(fetch: BlobFetch, times: number): Promise<void> {
    for (let turn = 0; turn < times; turn++) {
      for (const { peer, part } of fetch.next()) {
        const [frame] = await this.#guest.ask(peer, { root: fetch.root, ...part });
        assert.ok(fetch.accept(peer, part, frame), 'it is what was asked for');
      }
    }
  }

  async #until(what: string, look: () => Promise<boolean>): Promise<void> {
    const endMs = Date.now() + deadlineMs;
    while (!(await look())) {
      assert.ok(Date.now() < endMs, `not within ${deadlineMs} ms: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

const open: Partial<RunSpec> = {
  strategy: methodSchema.parse({
    ...{ id: 'delta-log', expectedPeers: 2, windowRounds, admitRounds: 2 },
    snapshotRounds: 1,
  }),
};
/** What its members ask goes with what entitles them to ask it. */
const invited: Partial<RunSpec> = {
  strategy: methodSchema.parse({
    ...{ id: 'delta-log', expectedPeers: 2, windowRounds, admitRounds: 1, judgingRounds: 5 },
    ...{ snapshotRounds: 1, alliance: {}, judging: null },
  }),
  membership: { kind: 'invite', depth: 1, invitations: 256 },
};

for (const [what, fields] of Object.entries({
  'an open run': open,
  'an alliance of invited members': invited,
}))
  test(`a joiner of ${what} gets the rest of a snapshot that its donor replaced meanwhile, also after the donor was restarted`, async (t) => {
    const cluster = await Cluster.begin(2, {
      // Two segments.
      model: { kind: 'mlp', inputs: 784, hidden: [50], outputs: 10 },
      ...fields,
      rounds: 1000,
      slotMs: 250,
    });
    t.after(() => cluster.end());
    const guest = await cluster.guest();
    t.after(() => guest.stop());
    const joiner = new SlowJoiner(guest, cluster.runId);
    const donor = cluster.nodes[0]!;
    const chosen = await joiner.offered(donor.key);
    assert.equal(segmentCount(chosen.bytes), 2);
    const fetch = new BlobFetch(chosen.blobRoot, chosen.bytes, {
      crypto,
      nowMs: Date.now,
      random: Math.random,
    });
    fetch.addHolder(donor.key);
    await joiner.pull(fetch, 1);
    await joiner.replaced(donor.key, chosen.round);

    const before = donor.content!.segmentsRead();
    await joiner.pull(fetch, 1);
    assert.ok(fetch.blob, 'it is all there, and each part belongs to its root');
    assert.equal(donor.content!.segmentsRead() - before, 2);
    const { contentBytes, contentBytesMax } = donor.session.view();
    assert.ok(contentBytes > 2 * chosen.bytes && contentBytes <= contentBytesMax);

    const refused = { code: 'REFUSED' };
    const unknown = crypto.sha256(chosen.blobRoot);
    await assert.rejects(guest.ask(donor.key, { kind: 'leaves', root: unknown }), refused);
    await assert.rejects(guest.ask(donor.key, { kind: 'segment', root: chosen.blobRoot, index: 2 }), refused);

    await donor.stop();
    await eventually('it is gone', () => !guest.peers().includes(donor.key), deadlineMs);
    await donor.start();
    await eventually('it is back', () => guest.peers().includes(donor.key), deadlineMs);
    const again = new BlobFetch(chosen.blobRoot, chosen.bytes, {
      crypto,
      nowMs: Date.now,
      random: Math.random,
    });
    again.addHolder(donor.key);
    await joiner.pull(again, 2);
    assert.deepEqual(Buffer.from(again.blob!), Buffer.from(fetch.blob));
  });

test('who is not a member of a closed run gets nothing of a snapshot, though it knows its root', async (t) => {
  const cluster = await Cluster.begin(2, {
    strategy: methodSchema.parse({
      ...{ id: 'delta-log', expectedPeers: 2, windowRounds, admitRounds: 2 },
      snapshotRounds: 1,
    }),
    membership: { kind: 'allow-list', members: keysOf(2) },
    ...{ rounds: 1000, slotMs: 250 },
  });
  t.after(() => cluster.end());
  const stranger = await cluster.guest();
  t.after(() => stranger.stop());
  const donor = cluster.nodes[0]!;
  await eventually('it has kept one', () => donor.content!.rootsPut().length > 0, deadlineMs);
  const root = hexToBytes(donor.content!.rootsPut()[0]!);
  const requests = [
    { kind: 'leaves', root },
    { kind: 'segment', root, index: 0 },
    { kind: 'snapshots' },
    { kind: 'entries', ids: [root] },
  ] as const;
  for (const request of requests)
    await assert.rejects(stranger.ask(donor.key, request), { code: 'REFUSED' }, request.kind);
  assert.equal(donor.content!.segmentsRead(), 0);
  assert.ok(donor.session.status().refused['not-a-member'] >= requests.length);
});
