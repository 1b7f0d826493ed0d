import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeFloat32 } from '../../src/codec/dense.ts';
import { bytesToHex } from '../../src/core/bytes.ts';
import { Credentials } from '../../src/core/credentials.ts';
import {
  ArchiveError,
  ArchiveFold,
  ArchiveFrames,
  archivePieces,
  atOnce,
  type FoldedArchive,
} from '../../src/log/archive.ts';
import { openEnvelope } from '../../src/log/envelope.ts';
import { decodeState } from '../../src/log/snapshot.ts';
import { Flock } from './flock.ts';
import { contextOf, crypto, deltaStateOf, smallRun } from './small-run.ts';

const run = smallRun({ rounds: 60, strategy: { snapshotRounds: 8, windowRounds: 3, admitRounds: 2 } });
const context = { ...contextOf(run), isMember: () => true };
const { frame } = context;
const parts = { ...context, frame: { ...frame, initHash: Buffer.from(run.manifest.initHash, 'hex') } };

/** A run to its end with some notes in it; member 0 keeps everything, member 1 what snapshots need. */
function ranFlock(): Flock {
  const flock = new Flock(run, { peers: 3, seed: 'archive', keepsEverything: (member) => member === 0 });
  flock.bootAll();
  flock.runUntil(4300);
  flock.submit(1, 'note', new TextEncoder().encode('kept for years'));
  assert.ok(flock.finish());
  return flock;
}

/** What an export takes out of a member's store: entries in order, the newest snapshot last. */
function storedBy(flock: Flock, index: number): { entries: Uint8Array[]; bases: Uint8Array[] } {
  const stored = [...flock.member(index).store].sort(([a], [b]) => (a < b ? -1 : 1));
  const under = (prefix: string): Uint8Array[] =>
    stored.flatMap(([key, value]) => (key.startsWith(prefix) ? [value] : []));
  return { entries: [...under('archive/'), ...under('log/')], bases: under('base/') };
}

const flock = ranFlock();
const { entries, bases } = storedBy(flock, 0);
const last = decodeState(parts.kinds, bases.at(-1)!)!;
const tail = { round: last.round, root: last.root };
const head = { manifest: run.signed.bytes, start: null };
const bytes = Buffer.concat([...archivePieces(head, entries, tail)]);

function folded(archive: Uint8Array, pieceBytes: number): FoldedArchive {
  const reader = new ArchiveFrames();
  const frames: Uint8Array[] = [];
  for (let at = 0; at < archive.length; at += pieceBytes)
    frames.push(...reader.take(archive.subarray(at, at + pieceBytes)));
  assert.ok(reader.isEmpty);
  const [manifest, start, ...rest] = frames as [Uint8Array, Uint8Array, ...Uint8Array[]];
  assert.deepEqual(Buffer.from(manifest), Buffer.from(run.signed.bytes));
  const fold = new ArchiveFold(start.length > 0 ? start : null, parts);
  const end = rest.findIndex(({ length }) => length === 0);
  for (const envelope of rest.slice(0, end)) atOnce(fold.add(envelope));
  return atOnce(fold.finish(rest[end + 1]!));
}

describe('an archive', () => {
  test('folds from the file alone to the model that the run ended with', () => {
    for (const pieceBytes of [bytes.length, 1000, 7]) {
      const { state, fromRound, entries: count, authors } = folded(bytes, pieceBytes);
      const model = context.delta.parameters(deltaStateOf(state));
      assert.equal(bytesToHex(crypto.sha256(encodeFloat32(model))), flock.status(0).modelHash);
      assert.equal(fromRound, 0);
      assert.equal(count, entries.length);
      assert.ok(count >= 60 * 3 - 10);
      assert.equal(authors.size, 3);
    }
  });

  test('needs the member to have kept everything, or begins at a snapshot', () => {
    const lean = storedBy(flock, 1);
    assert.ok(lean.entries.length < entries.length / 2);
    const start = lean.bases[0]!;
    const from = decodeState(parts.kinds, start)!.round;
    const archive = Buffer.concat([...archivePieces({ ...head, start }, lean.entries, tail)]);
    const result = folded(archive, 4096);
    assert.equal(result.fromRound, from + 1);
    assert.deepEqual(result.state.root, last.root);
  });

  test('with a gap is refused: rounds gone from the middle, from its end, or behind the snapshot that it begins with', () => {
    const roundOf = (bytes: Uint8Array): number => {
      const opened = openEnvelope(bytes, parts.envelopes);
      assert.ok(opened.ok);
      return opened.envelope.round;
    };
    const without = (from: number, through: number) =>
      entries.filter((bytes) => roundOf(bytes) < from || roundOf(bytes) > through);
    const refuses = (list: readonly Uint8Array[], start: Uint8Array | null = null): void =>
      assert.throws(
        () => folded(Buffer.concat([...archivePieces({ ...head, start }, list, tail)]), 4096),
        (error) => error instanceof ArchiveError && /does not fold to the root/.test(error.message),
      );
    refuses(without(20, 22));
    refuses(without(0, 0));
    refuses(without(last.round, last.round));
    const [oldest] = bases;
    const since = decodeState(parts.kinds, oldest!)!.round;
    const pieces = [...archivePieces({ ...head, start: oldest! }, without(0, since), tail)];
    assert.equal(folded(Buffer.concat(pieces), 4096).fromRound, since + 1);
    refuses(without(0, since + 2), oldest);
  });

  test('is refused with an entry gone, twice, out of order, forged, or another end', () => {
    const refused = (list: readonly Uint8Array[], pattern: RegExp, end = tail): void => {
      assert.throws(
        () => folded(Buffer.concat([...archivePieces(head, list, end)]), 4096),
        (error) => error instanceof ArchiveError && pattern.test(error.message),
      );
    };
    refused(entries.toSpliced(10, 1), /does not fold to the root/);
    refused(entries.toSpliced(10, 0, entries[10]!), /one too many/);
    refused([...entries.slice(20), ...entries.slice(0, 20)], /out of order/);
    const forged = entries[10]!.slice();
    forged[forged.length - 1]! ^= 1;
    refused(entries.with(10, forged), /entry 10 is none/);
    refused(entries, /ends before its last entry/, { ...tail, round: 10 });
    refused(entries, /goes on after the end/, { ...tail, round: 500 });
    refused([], /more than 16777216 rounds/, { ...tail, round: 2 ** 31 - 2 });
    assert.throws(() => new ArchiveFrames().take(new Uint8Array(64)), ArchiveError);
    const manifestBytes = run.signed.bytes.length;
    assert.ok(new ArchiveFrames(undefined, manifestBytes).take(bytes).length > 1);
    // By what it claims, before any of it has come.
    const begun = bytes.subarray(0, 100);
    assert.throws(() => new ArchiveFrames(undefined, manifestBytes - 1).take(begun), ArchiveError);
    assert.throws(() => new ArchiveFold(Uint8Array.of(1, 2, 3), parts), ArchiveError);
    const others = { kind: 'allow-list' as const, members: ['ab'.repeat(32)] };
    const admitting = { creator: 'ab'.repeat(32), membership: others };
    const credentials = new Credentials(admitting, run.runId, crypto);
    const closed = { ...parts, credentials, envelopes: { ...parts.envelopes, credentials } };
    assert.throws(() => atOnce(new ArchiveFold(null, closed).add(entries[0]!)), ArchiveError);
  });
});
