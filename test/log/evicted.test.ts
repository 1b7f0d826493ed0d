/** Entries that an author trained on and the log has lost since: nobody is convicted for what others had pushed out. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { equals } from 'uint8arrays';
import { hexToBytes } from '../../src/core/bytes.ts';
import { encodeEnvelope, openEnvelope, sealEnvelope } from '../../src/log/envelope.ts';
import { placeKey, placeToBytes } from '../../src/log/log-book.ts';
import { ticketOf } from '../../src/log/ticket.ts';
import { decodeRequest, encodeDigestAnswer } from '../../src/log/wire.ts';
import { Flock, type FlockOptions, towardsTarget } from './flock.ts';
import { contextOf, crypto, noHistory, type SmallRun, signerOf, smallRun, smallVector } from './small-run.ts';

const peers = 6;
const honest = Array.from({ length: peers }, (_, index) => index);
const strategy = {
  ...{ windowRounds: 4, admitRounds: 2, snapshotRounds: 4, committeeSize: 64 },
  ...{ audits: { rate: 1 }, kinds: [{ id: 'note' }] },
};
const rounds = 24;
const notesPerRound = 64;

/** What an attacker does between the slots: at `part` of each. */
function live(flock: Flock, part: number, act: (slot: number) => void): void {
  const { slotMs } = flock.run.manifest;
  const isOver = (): boolean => honest.every((index) => flock.status(index).phase === 'finished');
  for (let slot = 0; slot < 3 * rounds && !isOver(); slot++) {
    flock.runUntil((slot + part) * slotMs);
    act(slot);
    flock.runUntil((slot + 0.7) * slotMs);
    for (const index of honest) flock.submit(index, 'note', new TextEncoder().encode(`${index} in ${slot}`));
  }
  assert.ok(isOver(), 'not all have finished');
}

/** Audits that a member heard, by what they found. */
function findings(flock: Flock): Record<string, number> {
  const { kinds, envelopes } = contextOf(flock.run);
  const number = kinds.findIndex(({ id }) => id === 'audit');
  const counts: Record<string, number> = {};
  for (const { announced } of flock.members.slice(0, peers))
    for (const bytes of announced) {
      const opened = openEnvelope(bytes, envelopes);
      if (!opened.ok || opened.envelope.kind !== number) continue;
      const finding = ['same', 'differs', 'withheld'][opened.envelope.claims[2] as number]!;
      counts[finding] = (counts[finding] ?? 0) + 1;
    }
  return counts;
}

function assertNobodyConvicted(flock: Flock): void {
  assert.deepEqual(flock.hashes().length, 1);
  assert.deepEqual(
    flock.status(0).shown.filter(({ kind }) => kind === 'audit'),
    [],
  );
}

function sealed(
  run: SmallRun,
  index: number,
  round: number,
  kind: number,
  body: Uint8Array,
  claims: readonly (number | Uint8Array)[] = [],
) {
  const { envelopes } = contextOf(run);
  return sealEnvelope({ round, kind, index: 0, anchor: noHistory, claims }, body, envelopes, signerOf(index));
}

/** A delta of a key that has trained nothing, one for each `word`. */
function deltaOf(run: SmallRun, index: number, round: number, word: string) {
  const { codec, audits } = contextOf(run);
  const body = codec.encode(codec.select(smallVector(run.initial.length, `${index}/${word}`, 0.01)));
  const root = crypto.sha256(new TextEncoder().encode(word));
  return sealed(run, index, round, 0, body, [0, 4, 1, root, audits!.nothing, root]);
}

const crowd = Array.from({ length: 400 }, (_, index) => 1000 + index);

/** Fills a round with notes of lower tickets than most have. Returns how many of the honest ones give way. */
function flood(flock: Flock, round: number): number {
  const { run } = flock;
  if (round < 0) return 0;
  const ticket = (index: number) => ticketOf({ runId: run.runId, crypto }, round, signerOf(index).key);
  const lowest = crowd
    .map((index) => ({ index, ticket: ticket(index) }))
    .sort((a, b) => a.ticket - b.ticket)
    .slice(0, notesPerRound);
  for (const { index } of lowest) {
    const bytes = encodeEnvelope(sealed(run, index, round, 1, new TextEncoder().encode('full')));
    for (const to of honest) flock.announceTo(to, signerOf(index).key, bytes);
  }
  return honest.filter((index) => ticket(index) > lowest.at(-1)!.ticket).length;
}

describe('what an author trained on and is gone', () => {
  test('because many keys have filled its round with lower tickets convicts nobody', (t) => {
    const run = smallRun({ rounds, strategy });
    const flock = new Flock(run, { peers, seed: 'evicted/flood' });
    flock.bootAll();
    let evicted = 0;
    live(flock, 0.3, (slot) => {
      evicted += flood(flock, slot - 1);
    });
    const found = findings(flock);
    t.diagnostic(`${evicted} notes evicted, ${JSON.stringify(found)}`);
    assert.ok(evicted > 4 * rounds);
    assertNobodyConvicted(flock);
    assert.ok(found['same']! > 3 * rounds);
    assert.equal(found['withheld'] ?? 0, 0);
  });

  test('because a key has said three things at one place convicts nobody', (t) => {
    const run = smallRun({ rounds, strategy });
    const flock = new Flock(run, { peers, seed: 'evicted/thirds' });
    flock.bootAll();
    // The first word to one of them alone, in the last moment before it trains; two others to all others.
    live(flock, 0.97, (slot) => {
      const index = 1000 + slot;
      const { key } = signerOf(index);
      for (const [word, to] of [
        ['first', [0]],
        ['second', honest.slice(1)],
        ['third', honest.slice(1)],
      ] as const) {
        const bytes = encodeEnvelope(deltaOf(run, index, slot, word));
        for (const one of to) flock.announceTo(one, key, bytes);
      }
    });
    const found = findings(flock);
    t.diagnostic(JSON.stringify(found));
    assertNobodyConvicted(flock);
    assert.ok(found['same']! > 3 * rounds);
    assert.equal(found['withheld'] ?? 0, 0);
  });

  test('because it was shown when its round closed is not trained on before it is final', (t) => {
    const run = smallRun({ rounds, strategy });
    const { windowRounds } = strategy;
    const liar = peers;
    let closing = -1;
    const late = (round: number) => deltaOf(run, 2000 + round, round, 'late');
    const impostor: FlockOptions['impostor'] = (member, bytes, from) => {
      if (member !== liar) return undefined;
      const request = decodeRequest(bytes);
      if (request?.kind === 'entries')
        return [...Array(rounds).keys()]
          .map(late)
          .filter(({ id }) => request.ids.some((wanted) => equals(wanted, hexToBytes(id))))
          .map((entry) => encodeEnvelope(entry));
      if (request?.kind !== 'digest' || from !== 0) return null;
      const rows = request.digests.map((_, index) => {
        const round = request.from + index;
        const entry = late(round);
        const row = new Uint8Array([...placeToBytes(placeKey(entry)), ...hexToBytes(entry.id)]);
        return round === closing
          ? { round, state: 'differs-open' as const, rows: [row] }
          : { round, state: 'unknown' as const, rows: [] };
      });
      return [encodeDigestAnswer({ nextHeld: closing, reachesBack: true, atYours: null, rounds: rows })];
    };
    // Who answers nothing else would be found out for that.
    const train: FlockOptions['train'] = (member, round, start) =>
      member === liar ? { parameters: start, loss: Number.NaN } : towardsTarget(member, round, start);
    const flock = new Flock(run, { peers: peers + 1, seed: 'evicted/late', impostor, train });
    for (const index of honest) flock.boot(index);
    flock.boot(liar, (other) => other === 0);
    live(flock, 0.3, (slot) => {
      closing = slot + 1 - windowRounds;
    });
    const entered = flock
      .member(0)
      .of('accepted')
      .filter(({ author }) => !flock.members.some(({ key }) => key === author));
    const found = findings(flock);
    t.diagnostic(`${entered.length} late entries entered, ${JSON.stringify(found)}`);
    assert.ok(entered.length > rounds / 3);
    assertNobodyConvicted(flock);
    assert.equal(found['withheld'] ?? 0, 0);
  });

  test('because nobody but who names it ever saw it is held against who names it', (t) => {
    const run = smallRun({ rounds, strategy });
    const cheat = peers - 1;
    // What it trains on it keeps to itself: whoever asks for its sets hears nothing.
    const impostor: FlockOptions['impostor'] = (member, bytes) =>
      member === cheat && decodeRequest(bytes)?.kind === 'digest' ? null : undefined;
    const flock = new Flock(run, { peers, seed: 'evicted/secret', impostor });
    flock.bootAll();
    live(flock, 0.97, (slot) => {
      const bytes = encodeEnvelope(deltaOf(run, 3000 + slot, slot, 'secret'));
      flock.announceTo(cheat, signerOf(3000 + slot).key, bytes);
    });
    const found = findings(flock);
    t.diagnostic(JSON.stringify(found));
    const audits = flock.status(0).shown.filter(({ kind }) => kind === 'audit');
    assert.deepEqual(
      audits.map(({ author }) => author),
      [flock.member(cheat).key],
    );
  });

  test('is shown by who has started again since', (t) => {
    const run = smallRun({ rounds, strategy });
    const flock = new Flock(run, { peers, seed: 'evicted/again' });
    flock.bootAll();
    live(flock, 0.3, (slot) => {
      flood(flock, slot - 1);
      if (slot % 3 !== 2) return;
      flock.kill(slot % peers);
      flock.boot(slot % peers);
    });
    const found = findings(flock);
    t.diagnostic(JSON.stringify(found));
    assertNobodyConvicted(flock);
    assert.equal(found['withheld'] ?? 0, 0);
  });
});
