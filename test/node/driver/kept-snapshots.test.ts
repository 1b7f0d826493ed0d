import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { blobRoot, leavesOf, segmentBytesMax } from '../../../src/content/blob.ts';
import { type ContentStore, storedBytes } from '../../../src/content/content-store.ts';
import { bytesToHex } from '../../../src/core/bytes.ts';
import type { Store } from '../../../src/core/ports.ts';
import { baseKey } from '../../../src/log/store-keys.ts';
import { decodeHashList, encodeRequest } from '../../../src/log/wire.ts';
import { isKeptKey, KeptSnapshots } from '../../../src/node/driver/kept-snapshots.ts';
import { storeView } from '../../../src/node/store-view.ts';
import { openContentFiles } from '../../../src/platform/node/content-files.ts';
import { openLevelStore } from '../../../src/platform/node/level-store.ts';
import { wallClock } from '../../../src/platform/node/wall-clock.ts';
import { crypto } from '../../log/small-run.ts';
import { eventually } from '../../network/real-hosts.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-kept-'));
after(() => rm(directory, { recursive: true, force: true }));

const openContent = (name: string, bytesMax = 1 << 30): Promise<ContentStore> =>
  openContentFiles({ directory: join(directory, name), bytesMax, crypto, nowMs: wallClock.nowMs });

/** The snapshot of a round: two segments, of which the second names the round. */
function snapshotOf(round: number): { readonly key: string; readonly value: Uint8Array; root: Uint8Array } {
  const value = new Uint8Array(segmentBytesMax + 8).fill(7);
  new DataView(value.buffer).setUint32(segmentBytesMax, round);
  return { key: baseKey(round), value, root: blobRoot(crypto, value) };
}

const leavesRequest = (root: Uint8Array): Uint8Array => encodeRequest({ kind: 'leaves', root });
const segmentRequest = (root: Uint8Array, index: number): Uint8Array =>
  encodeRequest({ kind: 'segment', root, index });

interface Kept {
  readonly kept: KeptSnapshots;
  readonly content: ContentStore;
  readonly troubles: unknown[];
}

function keptIn(content: ContentStore, store: Store, runId = 'run'): Kept {
  const troubles: unknown[] = [];
  const onTrouble = (error: unknown): number => troubles.push(error);
  return { kept: new KeptSnapshots({ content, store, runId, onTrouble }), content, troubles };
}

let stores = 0;

async function newStore(t: { after(act: () => Promise<void>): void }): Promise<Store> {
  const store = await openLevelStore(join(directory, `store-${stores++}`));
  t.after(() => store.close());
  return store;
}

async function entriesOf(store: Store): Promise<(readonly [string, Uint8Array])[]> {
  const entries: (readonly [string, Uint8Array])[] = [];
  for await (const entry of store.entries()) entries.push(entry);
  return entries;
}

const isHeld = (content: ContentStore, root: Uint8Array): boolean => content.has(bytesToHex(root));
const isPinned = (content: ContentStore): boolean => content.usage().pinnedBytes > 0;

/** Keeps the snapshot of a round, and waits until it is there. */
async function keep({ kept, content }: Kept, round: number): Promise<void> {
  const snapshot = snapshotOf(round);
  kept.note([snapshot]);
  await eventually(`the snapshot of round ${round} is kept`, () => isHeld(content, snapshot.root));
}

test('a snapshot is answered for while the core keeps it and after it was replaced', async (t) => {
  const run = keptIn(await openContent('answers'), await newStore(t));
  const { value, root, key } = snapshotOf(3);
  assert.equal(await run.kept.answer(leavesRequest(root)), null);
  await keep(run, 3);
  for (const isReplaced of [false, true]) {
    if (isReplaced) run.kept.note([{ key, value: null }]);
    await eventually('the pin is as it should be', () => isPinned(run.content) !== isReplaced);
    const [list] = (await run.kept.answer(leavesRequest(root)))!;
    assert.deepEqual(decodeHashList(list!, 2), leavesOf(crypto, value));
    const [segment] = (await run.kept.answer(segmentRequest(root, 1)))!;
    assert.deepEqual(Buffer.from(segment!), Buffer.from(value.subarray(segmentBytesMax)));
    assert.equal(await run.kept.answer(segmentRequest(root, 2)), null);
  }
  assert.equal(run.troubles.length, 0);
});

test('what is no question for a blob, or asks for one of another run, is not answered', async (t) => {
  const [content, store] = [await openContent('others'), await newStore(t)];
  const [run, other] = ['a', 'b'].map((name) => keptIn(content, storeView(store, name), name));
  await keep(run!, 1);
  await keep(other!, 2);
  assert.ok(await run!.kept.answer(leavesRequest(snapshotOf(1).root)));
  const unanswered = [
    leavesRequest(snapshotOf(2).root),
    segmentRequest(snapshotOf(2).root, 0),
    encodeRequest({ kind: 'snapshots' }),
    encodeRequest({ kind: 'entries', ids: [snapshotOf(1).root] }),
    leavesRequest(snapshotOf(1).root).subarray(0, 20),
    new Uint8Array(0),
  ];
  for (const request of unanswered) assert.equal(await run!.kept.answer(request), null);
});

test('after a restart it answers for what is still there, and forgets the rest', async (t) => {
  const store = await newStore(t);
  const quota = 3 * storedBytes(segmentBytesMax + 8);
  const before = keptIn(await openContent('restart', quota), store);
  for (const round of [1, 2, 3]) await keep(before, round);
  const { key, value } = snapshotOf(3);
  // Of these the core would keep the third.
  await store.commit([{ key, value }], { durable: true });
  before.kept.note([1, 2].map((round) => ({ key: baseKey(round), value: null })));
  await eventually('two are free to go', () => before.content.usage().pinnedBytes < quota / 2);
  await before.kept.close();
  assert.ok(!isPinned(before.content));
  // Another run takes the place of the one that was used longest ago.
  await before.content.put(new Uint8Array(segmentBytesMax));

  const again = keptIn(await openContent('restart', quota), store);
  again.kept.restore(await entriesOf(store));
  await eventually('the present one is pinned', () => isPinned(again.content));
  const answers = [1, 2, 3].map((round) => again.kept.answer(segmentRequest(snapshotOf(round).root, 1)));
  assert.deepEqual(
    (await Promise.all(answers)).map((frames) => frames !== null),
    [false, true, true],
  );
  await again.kept.close();
  const names = (await entriesOf(store)).map(([name]) => name).filter(isKeptKey);
  assert.deepEqual(
    names,
    [2, 3].map((round) => `kept/${baseKey(round)}`),
  );
});

test('a quota that is too small is told once, and once more after it was enough', async (t) => {
  const small = storedBytes(segmentBytesMax + 8);
  const run = keptIn(await openContent('small', small), await newStore(t));
  await keep(run, 1);
  run.kept.note([snapshotOf(2)]);
  run.kept.note([snapshotOf(3)]);
  run.kept.note([{ key: baseKey(1), value: null }]);
  await eventually('the first one is free to go', () => !isPinned(run.content));
  assert.deepEqual(
    run.troubles.map((error) => (error as { code: string }).code),
    ['NO_ROOM'],
  );
  await keep(run, 4);
  run.kept.note([snapshotOf(5)]);
  await eventually('it is told again', () => run.troubles.length === 2);
  assert.ok(await run.kept.answer(leavesRequest(snapshotOf(4).root)));
});

test('of more snapshots than it may remember the lowest are forgotten, and of those that wait for the disk', async (t) => {
  const [content, store] = [await openContent('many'), await newStore(t)];
  const run = keptIn(content, store);
  const rounds = Array.from({ length: 70 }, (_, round) => round);
  for (const round of rounds) await keep(run, round);
  run.kept.note([200, 201, 202, 203].map(snapshotOf));
  await eventually('the last is kept', () => isHeld(content, snapshotOf(203).root));
  await run.kept.close();
  const names = (await entriesOf(store)).map(([name]) => name);
  assert.deepEqual(
    names,
    [...rounds.slice(-62), 202, 203].map((round) => `kept/${baseKey(round)}`),
  );
});

test('a store that cannot be written to is told and ends nothing', async (t) => {
  const store = await newStore(t);
  const run = keptIn(await openContent('closed'), storeView(store, 'a'));
  const broken = storeView(store, 'b');
  await broken.close();
  const other = keptIn(run.content, broken);
  await keep(other, 1);
  await eventually('it is told', () => other.troubles.length === 1);
  assert.ok(await other.kept.answer(leavesRequest(snapshotOf(1).root)));
  await keep(run, 2);
  assert.equal(run.troubles.length, 0);
});
