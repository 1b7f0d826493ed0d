/** What is held against a peer for what it answered, and what is not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blobRoot, leavesOf, segmentBytesMax, segmentOf } from '../../src/content/blob.ts';
import { bytesToHex, hexToBytes } from '../../src/core/bytes.ts';
import { type Envelope, encodeEnvelope, openEnvelope, sealEnvelope } from '../../src/log/envelope.ts';
import { EntryFetch } from '../../src/log/repair/entry-fetch.ts';
import { decodeRequest, encodeDigestAnswer, encodeHashList } from '../../src/log/wire.ts';
import { Flock, type FlockOptions, towardsTarget } from './flock.ts';
import { deltaOf } from './forgery.ts';
import { contextOf, crypto, signerOf, smallRun, startAtMs } from './small-run.ts';

const strategy = { windowRounds: 4, admitRounds: 2, snapshotRounds: 4, committeeSize: 32 };
const honest = [0, 1, 2];
const liar = 3;

/** Misdeeds of the liar by what the honest hold against it, and of the honest by what anybody holds against them. */
function lived(options: Partial<FlockOptions>, rounds = 16) {
  const run = smallRun({ rounds, strategy });
  const flock = new Flock(run, { peers: 4, seed: 'blame', ...options });
  flock.bootAll();
  flock.runUntil((rounds / 2) * run.manifest.slotMs);
  const held = (by: readonly number[], against: readonly number[]): number[] =>
    by.flatMap((one) => against.map((other) => flock.member(one).blamed.get(flock.member(other).key) ?? 0));
  return { liar: held(honest, [liar]), honest: held([...honest, liar], honest) };
}

test('answers that nobody can read are misdeeds, each of them', () => {
  const { liar: held, honest: innocent } = lived({
    impostor: (member) => (member === liar ? [Uint8Array.of(1, 2, 3)] : undefined),
  });
  assert.ok(
    held.every((count) => count >= 5),
    `${held}`,
  );
  assert.ok(innocent.every((count) => count === 0));
});

for (const [name, answer] of [
  ['who tells of entries and never has them pays by and by', []],
  ['so does who refuses them', null],
] as const) {
  test(name, () => {
    let told = 0;
    const { liar: held, honest: innocent } = lived({
      impostor: (member, bytes) => {
        const request = decodeRequest(bytes);
        if (member !== liar || (request?.kind !== 'digest' && request?.kind !== 'entries')) return undefined;
        if (request.kind === 'entries') return answer;
        const rounds = request.digests.map(() => ({
          state: 'differs-open' as const,
          rows: [new Uint8Array(66).fill(++told % 251)],
        }));
        return [encodeDigestAnswer({ nextHeld: 0, reachesBack: true, atYours: null, rounds })];
      },
    });
    assert.ok(
      held.every((count) => count >= 1 && Number.isInteger(4 * count)),
      `${held}`,
    );
    assert.ok(innocent.every((count) => count === 0));
  });
}

test('the body of an announcement is refused at a price by its author, and by nobody who hands it on', () => {
  const fetch = new EntryFetch({ crypto, nowMs: () => 0, random: () => 0.5 });
  const envelope = announced(1);
  fetch.wantBody(envelope, envelope.author);
  fetch.wantBody(envelope, 'honest');
  const refused = (peer: string): boolean =>
    fetch.isToldBy({
      ...{ kind: 'blob', peer, blob: `${bytesToHex(envelope.bodyRoot)}/${envelope.bodyBytes}` },
      part: { kind: 'leaves' },
    });
  assert.deepEqual([refused(envelope.author), refused('honest')], [true, false]);
});

test('who hands on announcements whose bodies nobody gives pays nothing', () => {
  const run = smallRun({ rounds: 16, strategy });
  const flock = new Flock(run, {
    ...{ peers: 4, seed: 'handed on' },
    drops: (kind, _, to) => kind === 'request' && to === liar,
  });
  flock.bootAll();
  const { slotMs } = run.manifest;
  flock.runUntil(6 * slotMs);
  const handOn = (by: number, author: number): void => {
    const anchor = { round: -1, root: hexToBytes(run.manifest.initHash), snapshot: new Uint8Array(32) };
    const bytes = encodeEnvelope({ ...deltaOf(run, signerOf(author), 6, anchor), body: null });
    assert.equal(flock.announceTo(0, flock.member(by).key, bytes), 'accept');
  };
  for (let author = 100; author < 164; author++) handOn(liar, author);
  for (let author = 200; author < 230; author++) {
    handOn(1, author);
    flock.runUntil(flock.nowMs - startAtMs + 50);
  }
  flock.runUntil(10 * slotMs);
  assert.deepEqual([...flock.member(0).blamed], []);
});

test('losses, a late joiner and a member that is killed cost nobody anything', () => {
  const run = smallRun({ rounds: 24, strategy });
  let sent = 0;
  const flock = new Flock(run, { peers: 5, seed: 'innocent', drops: () => ++sent % 5 === 0 });
  for (const index of [0, 1, 2, 3]) flock.boot(index);
  const { slotMs } = run.manifest;
  flock.runUntil(12 * slotMs);
  flock.boot(4);
  flock.kill(1);
  flock.runUntil(16 * slotMs);
  flock.boot(1);
  flock.runUntil(40 * slotMs);
  assert.ok(flock.member(4).of('joined').length > 0);
  assert.ok(flock.members.every(({ blamed }) => blamed.size === 0));
});

const body = new Uint8Array(2 * segmentBytesMax + 9).fill(7);
const announced = (author: number, bodyBytes = body.length): Envelope => {
  const fields = { round: 3, kind: 0, index: 0, anchor: null, claims: [] };
  const sealed = sealEnvelope(fields, body, { runId: 'run', crypto }, signerOf(author));
  assert.deepEqual(sealed.bodyRoot, blobRoot(crypto, body));
  return { ...sealed, bodyBytes, body: null };
};

test('one that signs the root of the body of another with a length of its own makes no liar of who has that body', () => {
  for (const bodyBytes of [body.length - 1, segmentBytesMax, 4 * segmentBytesMax]) {
    const fetch = new EntryFetch({ crypto, nowMs: () => 0, random: () => 0.5 });
    const real = announced(1);
    fetch.wantBody(announced(2, bodyBytes), 'honest');
    fetch.wantBody(real, 'honest');
    const completed: string[] = [];
    for (let asks = fetch.asks(); asks.length > 0; asks = fetch.asks()) {
      for (const { meaning } of asks) {
        assert.ok(meaning.kind === 'blob');
        const { part } = meaning;
        const frame =
          part.kind === 'segment' ? segmentOf(body, part.index) : encodeHashList(leavesOf(crypto, body));
        const entries = fetch.blobPart(meaning, frame);
        assert.ok(entries, `${part.kind} counted as a lie`);
        for (const { id } of entries) {
          completed.push(id);
          fetch.settle(id);
        }
      }
    }
    assert.deepEqual(completed, [real.id]);
    assert.equal(fetch.missing, 0);
  }
});

test('an entry that names a snapshot with a root of its own makes no liar of the donors that hold it', () => {
  const run = smallRun({ rounds: 40, strategy });
  const flock = new Flock(run, {
    ...{ peers: 5, seed: 'half a name' },
    train: (member, round, start) =>
      member === liar ? { parameters: start, loss: Number.NaN } : towardsTarget(member, round, start),
  });
  for (const index of [...honest, liar]) flock.boot(index);
  const { slotMs } = run.manifest;
  const { envelopes } = contextOf(run);
  let misnamed = 0;
  for (let slot = 1; slot < 22; slot++) {
    flock.runUntil(slot * slotMs);
    const newest = openEnvelope(flock.member(0).announced.at(-1) ?? new Uint8Array(), envelopes);
    if (!newest.ok || !newest.envelope.anchor || newest.envelope.anchor.round < 0) continue;
    const anchor = { ...newest.envelope.anchor, root: crypto.sha256(Uint8Array.of(slot)) };
    const bytes = encodeEnvelope(deltaOf(run, signerOf(liar), slot, anchor));
    for (const index of honest)
      if (flock.announceTo(index, flock.member(liar).key, bytes) === 'accept') misnamed++;
  }
  flock.boot(4);
  flock.runUntil(28 * slotMs);
  assert.ok(misnamed > 20, `${misnamed}`);
  assert.ok(flock.member(4).of('joined').length > 0);
  assert.equal(flock.member(4).blamed.size, 0);
  assert.equal(flock.status(4).modelHash, flock.status(0).modelHash);
});
