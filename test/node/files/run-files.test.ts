import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { blobRoot, leavesOf, merkleRoot, segmentBytesMax, segmentOf } from '../../../src/content/blob.ts';
import { encodeHeld } from '../../../src/content/held-segments.ts';
import { bytesToHex } from '../../../src/core/bytes.ts';
import type { PeerKey } from '../../../src/core/io.ts';
import type { Clock } from '../../../src/core/ports.ts';
import { decodeRequest, encodeHashList } from '../../../src/log/wire.ts';
import { rngFor } from '../../../src/math/rng.ts';
import { createFileExchange } from '../../../src/network/exchange/file-exchange.ts';
import type { Host } from '../../../src/network/host/host.ts';
import { peerIdOf } from '../../../src/network/identity.ts';
import { runCid } from '../../../src/network/protocols.ts';
import type { SessionEvent } from '../../../src/node/events.ts';
import { RunFiles } from '../../../src/node/files/run-files.ts';
import { RunReducer } from '../../../src/node/view/run-reducer.ts';
import { wallClock } from '../../../src/platform/node/wall-clock.ts';
import { ManifestError, openManifest, type SignedManifest, signManifest } from '../../../src/run/manifest.ts';
import { crypto, signerOf, specOf } from '../../log/small-run.ts';
import { connected, eventually, loopbackHost } from '../../network/real-hosts.ts';

const folder = await mkdtemp(join(tmpdir(), 'starlings-run-files-'));
after(() => rm(folder, { recursive: true, force: true }));

/** Ten megabytes and a bit: 41 segments, the last one short. */
const blob = new Uint8Array(10_500_001);
const words = new Float32Array(blob.buffer, 0, Math.floor(blob.length / 4));
rngFor('run-files').fillUniform(words, -1, 1);
const leaves = leavesOf(crypto, blob);
const hashes = encodeHashList(leaves);
/** Of whoever has all of it. */
const allHeld = encodeHeld(leaves.keys(), leaves.length);
const file = { name: 'other', root: bytesToHex(blobRoot(crypto, blob)), bytes: blob.length };

function runWith(
  name: string,
  members: readonly PeerKey[] | null = null,
  files: readonly (typeof file)[] = [file],
): SignedManifest {
  const membership =
    members === null ? { kind: 'open' as const } : { kind: 'allow-list' as const, members: [...members] };
  const fields = {
    ...specOf({ rounds: 8, slotMs: 300 }),
    name,
    membership,
    startAtMs: 1,
    initHash: '0'.repeat(64),
  };
  return signManifest(files.length > 0 ? { ...fields, files: [...files] } : fields, crypto, signerOf(9));
}

interface Taker {
  readonly files: RunFiles;
  readonly folder: string;
  readonly events: SessionEvent[];
}

let takers = 0;

async function taker(
  host: Host,
  run: SignedManifest,
  holds: Uint8Array | null = null,
  clock: Clock = wallClock,
): Promise<Taker> {
  const own = join(folder, `taker-${takers++}`);
  await mkdir(own);
  if (holds) await writeFile(join(own, file.root), holds);
  const events: SessionEvent[] = [];
  return { files: filesOf(host, run, own, events, 10_000, clock), folder: own, events };
}

function filesOf(
  host: Host,
  run: SignedManifest,
  own: string,
  events: SessionEvent[],
  answerTimeoutMs = 10_000,
  clock: Clock = wallClock,
): RunFiles {
  const onEvent = (event: SessionEvent) => void events.push(event);
  return new RunFiles({
    host,
    run,
    folder: own,
    crypto,
    clock,
    random: Math.random,
    onEvent,
    answerTimeoutMs,
    takesBlobs: run.manifest.files === undefined,
  });
}

const soon = () => AbortSignal.timeout(30_000);
const provide = (host: Host, run: SignedManifest) => host.libp2p.contentRouting.provide(runCid(run.runId));

/** Hosts of which all know the first one. */
async function hosts(t: { after(act: () => unknown): void }, count: number): Promise<Host[]> {
  const all = await Promise.all(Array.from({ length: count }, () => loopbackHost({ carriesRuns: false })));
  t.after(() => Promise.all(all.map((host) => host.stop())));
  await Promise.all(all.slice(1).map((host) => connected(all[0]!, host)));
  return all;
}

describe('files of a run', () => {
  test('say how much of them is here, and how long the rest takes at the pace so far', async (t) => {
    const [holder, asker] = (await hosts(t, 2)) as [Host, Host];
    const run = runWith('told');
    const first = await taker(holder, run, blob);
    await first.files.begin(soon());
    await provide(holder, run);
    // Ten seconds pass with each look at it.
    let passedMs = 0;
    const nowMs = (): number => {
      passedMs += 10_000;
      return wallClock.nowMs() + passedMs;
    };
    const clock = { ...wallClock, nowMs };
    const second = await taker(asker, run, null, clock);
    await second.files.begin(soon());
    const told = second.events.flatMap((event) => (event.kind === 'file-pulled' ? [event] : []));
    const segments = Math.ceil(blob.length / segmentBytesMax);
    assert.equal(told.length, segments - 1);
    for (const [at, { name, bytes, heldBytes, leftMs }] of told.entries()) {
      assert.deepEqual([name, bytes], ['other', blob.length]);
      assert.equal(heldBytes, Math.floor((blob.length * (at + 1)) / segments));
      assert.ok(
        leftMs! >= 10_000 * (segments - at - 1) * 0.9 && leftMs! < 120_000 * (segments - at),
        `${at}: ${leftMs}`,
      );
    }
    const reducer = new RunReducer('run', 'aa', 0);
    for (const event of second.events) {
      reducer.apply({ source: 'session', event });
      const { pull } = reducer.view();
      assert.equal(pull?.heldBytes ?? null, event.kind === 'file-pulled' ? event.heldBytes : null);
    }
    assert.equal(reducer.view().pull, null);
    await Promise.all([first.files.stop(), second.files.stop()]);
  });

  test('come from whoever has them, past liars, and are handed on by who got them', async (t) => {
    const [asker, honest, liar, empty, later] = (await hosts(t, 5)) as [Host, Host, Host, Host, Host];
    const run = runWith('handed-on');
    let lies = 0;
    const lying = createFileExchange({ host: liar, runId: run.runId }, async (_, bytes) => {
      const request = decodeRequest(bytes);
      lies++;
      if (request?.kind === 'leaves') return [hashes];
      if (request?.kind === 'held') return [allHeld];
      if (request?.kind !== 'segment') throw new Error('no request');
      const segment = segmentOf(blob, request.index).slice();
      segment[7]! ^= 1;
      return [segment];
    });
    await lying.start();
    const first = await taker(honest, run, blob);
    await first.files.begin(soon());
    const nothing = await taker(empty, run);
    void nothing.files.begin(soon()).catch(() => {});
    await Promise.all([liar, empty].map((host) => provide(host, run)));
    const second = await taker(asker, run);
    const begun = second.files.begin(soon());
    await eventually('the liar was asked', () => lies > 1);
    await provide(honest, run);
    await begun;
    assert.ok(Buffer.compare(await readFile(join(second.folder, file.root)), blob) === 0);
    const refused = second.events.flatMap((event) => (event.kind === 'file-refused' ? [event.provider] : []));
    assert.ok(refused.includes(liar.key), 'the lie was seen');
    assert.deepEqual(second.events.filter(({ kind }) => kind === 'file-complete').length, 1);

    await first.files.stop();
    await lying.stop();
    await provide(asker, run);
    const third = await taker(later, run);
    await third.files.begin(soon());
    assert.ok(Buffer.compare(await readFile(join(third.folder, file.root)), blob) === 0);
    for (const { files } of [second, third, nothing]) await files.stop();
  });

  test('come although every place is taken by peers that never answer', async (t) => {
    const [asker, honest, ...mute] = (await hosts(t, 8)) as [Host, Host, ...Host[]];
    const run = runWith('mute');
    for (const host of mute) {
      const silent = createFileExchange({ host: host, runId: run.runId }, async (_, bytes) => {
        const request = decodeRequest(bytes);
        if (request?.kind === 'segment') return new Promise(() => {});
        return [request?.kind === 'held' ? allHeld : hashes];
      });
      await silent.start();
      await provide(host, run);
    }
    const { folder: own, events } = await taker(asker, run);
    const files = filesOf(asker, run, own, events, 500);
    const begun = files.begin(soon());
    const silentOnes = () =>
      new Set(events.flatMap((event) => (event.kind === 'file-refused' ? [event.provider] : [])));
    await eventually('four were waited for', () => silentOnes().size >= 4);
    const good = await taker(honest, run, blob);
    await good.files.begin(soon());
    await provide(honest, run);
    await begun;
    assert.ok(Buffer.compare(await readFile(join(own, file.root)), blob) === 0);
    for (const one of [files, good.files]) await one.stop();
  });

  test('go on where an earlier start had got to', async (t) => {
    const [asker, honest] = (await hosts(t, 2)) as [Host, Host];
    const run = runWith('resumed');
    const { folder: own, events } = await taker(asker, run);
    // What a process had got: the first half, and of the next segment a piece.
    const half = 20 * segmentBytesMax + 1000;
    await writeFile(join(own, `${file.root}.part`), blob.subarray(0, half));
    let asked = 0;
    const serving = createFileExchange({ host: honest, runId: run.runId }, async (_, bytes) => {
      const request = decodeRequest(bytes);
      if (request?.kind === 'leaves') return [hashes];
      if (request?.kind === 'held') return [allHeld];
      if (request?.kind !== 'segment') throw new Error('no request');
      asked++;
      return [segmentOf(blob, request.index)];
    });
    await serving.start();
    await provide(honest, run);
    const files = filesOf(asker, run, own, events);
    await files.begin(soon());
    assert.equal(asked, 41 - 20);
    assert.ok(Buffer.compare(await readFile(join(own, file.root)), blob) === 0);
    await files.stop();
    await serving.stop();
  });

  test('of a closed run are for its members alone', async (t) => {
    const [stranger, holder, member] = (await hosts(t, 3)) as [Host, Host, Host];
    const run = runWith('closed', [holder.key, member.key]);
    const first = await taker(holder, run, blob);
    await first.files.begin(soon());
    await provide(holder, run);
    const outside = await taker(stranger, run);
    const leaving = new AbortController();
    const waits = outside.files.begin(leaving.signal);
    await eventually('the stranger was refused', () =>
      // A no, which would not be heard from one that is only busy.
      outside.events.some((event) => event.kind === 'file-refused' && /refused/.test(event.reason)),
    );
    const inside = await taker(member, run);
    await inside.files.begin(soon());
    leaving.abort(new Error('left'));
    await assert.rejects(waits, /left/);
    assert.ok(Buffer.compare(await readFile(join(inside.folder, file.root)), blob) === 0);
    assert.equal(outside.events.filter(({ kind }) => kind === 'file-complete').length, 0);
    for (const { files } of [first, outside, inside]) await files.stop();
  });

  test('that were damaged on the disk are asked for again, and never handed on', async (t) => {
    const [asker, honest] = (await hosts(t, 2)) as [Host, Host];
    const run = runWith('damaged');
    const damaged = blob.slice();
    damaged[5_000_000]! ^= 1;
    const own = await taker(asker, run, damaged);
    const good = await taker(honest, run, blob);
    await good.files.begin(soon());
    await provide(honest, run);
    await own.files.begin(soon());
    assert.ok(Buffer.compare(await readFile(join(own.folder, file.root)), blob) === 0);
    // Cut short while it is served: what is not there any more is not answered with.
    await truncate(join(good.folder, file.root), 1000);
    await rm(join(own.folder, file.root));
    await own.files.stop();
    const again = filesOf(asker, run, own.folder, own.events);
    const leaving = new AbortController();
    const before = own.events.length;
    const waits = again.begin(leaving.signal);
    await eventually('nothing false was taken', () =>
      own.events.slice(before).some(({ kind }) => kind === 'file-refused'),
    );
    leaving.abort(new Error('left'));
    await assert.rejects(waits, /left/);
    for (const { files } of [good]) await files.stop();
    await again.stop();
  });

  test('of which a wrong length is said are not had, and who holds them is blamed for nothing', async (t) => {
    const [asker, honest, liar] = (await hosts(t, 3)) as [Host, Host, Host];
    const run = runWith('misdescribed', null, []);
    // Hashes of the level above have the same root.
    const above = Array.from({ length: 21 }, (_, at) => merkleRoot(crypto, leaves.slice(2 * at, 2 * at + 2)));
    const lying = createFileExchange({ host: liar, runId: run.runId }, async (_, bytes) => {
      const request = decodeRequest(bytes);
      if (request?.kind === 'held') return [encodeHeld(above.keys(), above.length)];
      if (request?.kind !== 'leaves') throw new Error('it has no segments');
      return [encodeHashList(above)];
    });
    await lying.start();
    const good = await taker(honest, run, blob);
    await good.files.begin(soon());
    for (const host of [honest, liar]) await provide(host, run);
    const own = await taker(asker, run);
    await own.files.begin(soon());
    for (const bytes of [blob.length - 1, blob.length / 8, 21 * segmentBytesMax, 2 * blob.length]) {
      const said = { root: file.root, bytes: Math.floor(bytes) };
      const before = own.events.length;
      const leaving = new AbortController();
      const pulled = own.files.pull('said', said, leaving.signal);
      let isOver = false;
      pulled.catch(() => {
        isOver = true;
      });
      const isRefused = () =>
        own.events
          .slice(before)
          .some((event) => event.kind === 'file-refused' && event.provider === honest.key);
      await eventually('the holder was asked', () => isOver || isRefused());
      leaving.abort(new Error('left'));
      await assert.rejects(pulled, /left|another length/);
    }
    assert.equal(asker.reputation.scoreOf(peerIdOf(honest.key).toString()), 0);
    assert.equal(asker.reputation.isOutcast(peerIdOf(honest.key)), false);
    await own.files.drop(file.root);
    assert.deepEqual(await readdir(own.folder), []);
    for (const { files } of [own, good]) await files.stop();
    await lying.stop();
  });

  test('that cannot be are refused with the manifest', () => {
    const run = runWith('bounds');
    const { version: _, creator: __, ...fields } = run.manifest;
    const signed = (files: object[]) =>
      signManifest({ ...fields, files } as typeof fields, crypto, signerOf(9));
    assert.deepEqual(openManifest(run.bytes, crypto).manifest.files, [file]);
    assert.throws(
      () => signed([file, file]),
      (error) => error instanceof ManifestError && /two called other/.test(error.message),
    );
    assert.throws(() => signed([{ ...file, name: 'start' }]), /a start vector of \d+ parameters has \d+/);
    assert.throws(() => signed([{ ...file, bytes: 2 ** 31 }]));
    assert.throws(() => signed([{ ...file, root: 'x' }]));
    assert.throws(() => signed(Array.from({ length: 9 }, (_, index) => ({ ...file, name: `f${index}` }))));
  });
});
