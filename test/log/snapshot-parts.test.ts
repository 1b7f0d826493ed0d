/** A node that starts anew half-way through a snapshot. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { segmentCount, segmentOf } from '../../src/content/blob.ts';
import { SnapshotJoin } from '../../src/log/join/snapshot-join.ts';
import { resumableBytesMin, SnapshotParts } from '../../src/log/join/snapshot-parts.ts';
import { initialState } from '../../src/log/log-state.ts';
import {
  encodeOffer,
  makeSnapshot,
  type Snapshot,
  signSnapshotHeader,
  snapshotBytesMax,
} from '../../src/log/snapshot.ts';
import { partNamedBy } from '../../src/log/store-keys.ts';
import { decodeRequest, encodeHashList } from '../../src/log/wire.ts';
import { Flock } from './flock.ts';
import { contextOf, crypto, signerOf, smallRun } from './small-run.ts';

const run = smallRun({ inputs: 40_000 });
const { kinds, envelopes, frame } = contextOf(run);
const start = initialState(kinds, { ...frame, initHash: crypto.sha256() });
const snapshotAt = (round: number): Snapshot => makeSnapshot(crypto, kinds, { ...start, round, work: round });
const [older, newer] = [snapshotAt(4), snapshotAt(8)];
const segments = segmentCount(older.blob.length);
const donors = [1, 2, 3].map(signerOf);

/** The disk of a node: what its joins have written. */
class Disk {
  readonly stored = new Map<string, Uint8Array>();
  parts = new SnapshotParts();

  keep(): void {
    for (const { key, value } of this.parts.takeWrites()) {
      if (value === null) this.stored.delete(key);
      else this.stored.set(key, value.slice());
    }
  }

  restart(): SnapshotJoin {
    this.parts = new SnapshotParts();
    this.parts.restore([...this.stored].sort());
    return this.join();
  }

  join(): SnapshotJoin {
    const entitlement = { weightOf: () => 1, weightInBoth: () => 1, known: () => new Set<string>() };
    const bytesMax = snapshotBytesMax(kinds);
    return new SnapshotJoin({
      envelopes,
      kinds,
      bytesMax,
      entitlement,
      nowMs: () => 0,
      random: () => 0.5,
      parts: this.parts,
    });
  }
}

/** All donors offer these; begins one. */
function begin(join: SnapshotJoin, offers: readonly Snapshot[]): void {
  for (const signer of donors) {
    const frames = offers.map((offer) => encodeOffer(signSnapshotHeader(offer, run.runId, signer), []));
    assert.ok(join.headers(signer.key, frames));
  }
  assert.ok(join.choose(-1, false));
}

/** Takes at most so many segments; says which were asked for. */
function pull(join: SnapshotJoin, from: Snapshot, disk: Disk, most: number): number[] {
  const asked: number[] = [];
  for (let asks = join.asks([]); asks.length > 0; asks = join.asks([])) {
    for (const { meaning } of asks) {
      assert.ok(meaning.kind === 'snapshot-blob');
      const { part } = meaning;
      if (part.kind === 'segment' && asked.length === most) return asked;
      if (part.kind === 'segment') asked.push(part.index);
      const frame =
        part.kind === 'segment' ? segmentOf(from.blob, part.index).slice() : encodeHashList(from.leaves);
      assert.ok(join.part(meaning, frame));
      disk.keep();
    }
  }
  return asked;
}

test('a snapshot is gone on with after a restart where it is still offered, and leaves nothing behind', () => {
  assert.ok(older.blob.length >= resumableBytesMin);
  const disk = new Disk();
  const first = disk.join();
  begin(first, [older]);
  const had = pull(first, older, disk, 3);
  assert.equal(disk.stored.size, 3);

  const again = disk.restart();
  begin(again, [older, newer]);
  const asked = pull(again, older, disk, segments);
  assert.deepEqual([...had, ...asked].sort(), [...Array(segments).keys()]);
  assert.deepEqual(again.finish()?.state.round, older.round);
  disk.keep();
  assert.equal(disk.stored.size, 0);
});

test('what the disk has made of a segment is asked for again', () => {
  const disk = new Disk();
  const first = disk.join();
  begin(first, [older]);
  const [damaged] = pull(first, older, disk, 3);
  const [, value] = [...disk.stored].find(([key]) => key.endsWith(`${damaged}`))!;
  value[9]! ^= 1;
  const again = disk.restart();
  begin(again, [older]);
  assert.ok(pull(again, older, disk, segments).includes(damaged!));
  assert.ok(again.finish());
});

test('what is here of one that nobody offers any more is let go', () => {
  const disk = new Disk();
  const first = disk.join();
  begin(first, [older]);
  pull(first, older, disk, 3);
  const again = disk.restart();
  begin(again, [newer]);
  disk.keep();
  assert.equal(disk.stored.size, 0);
  assert.equal(pull(again, newer, disk, segments).length, segments);
  assert.deepEqual(again.finish()?.state.round, newer.round);
});

test('a late joiner that is killed amid a snapshot asks its peers for the rest alone', () => {
  const strategy = { windowRounds: 3, snapshotRounds: 4, admitRounds: 2 };
  const small = smallRun({ inputs: 40_000, rounds: 18, strategy });
  const asked: { root: string; index: number }[] = [];
  let written = 0;
  const flock = new Flock(small, {
    ...{ peers: 4, seed: 'killed amid a snapshot' },
    survives: (member, output) => {
      if (member !== 3 || output.type !== 'persist') return true;
      const parts = output.writes.filter(({ key, value }) => value && partNamedBy(key)).length;
      written += parts;
      return parts === 0 || written !== 3;
    },
    impostor: (_member, bytes, from) => {
      const request = decodeRequest(bytes);
      if (from === 3 && request?.kind === 'segment')
        asked.push({ root: Buffer.from(request.root).toString('hex'), index: request.index });
      return undefined;
    },
  });
  for (const index of [0, 1, 2]) flock.boot(index);
  const { slotMs } = small.manifest;
  flock.runUntil(12 * slotMs);
  flock.boot(3);
  flock.runWhile(() => flock.member(3).core !== null, 14 * slotMs);
  const held = [...flock.member(3).store.keys()].flatMap((key) => partNamedBy(key) ?? []);
  assert.equal(held.length, 2);
  asked.splice(0);
  flock.boot(3);
  flock.runWhile(() => flock.member(3).of('joined').length === 0, 17 * slotMs);
  assert.ok(flock.member(3).of('joined')[0]!.donors > 0);
  const again = asked.filter(({ root, index }) =>
    held.some((part) => part.root === root && part.index === index),
  );
  assert.deepEqual(again, []);
  assert.ok(asked.some(({ root }) => root === held[0]!.root));
  assert.ok(![...flock.member(3).store.keys()].some((key) => partNamedBy(key)));
});
