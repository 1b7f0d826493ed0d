/** Members who lie about audits, as authors and as auditors, among those who do not: on bare cores with the run's own kinds. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hexToBytes } from '../../src/core/bytes.ts';
import { type Claim, encodeEnvelope, openEnvelope, sealEnvelope } from '../../src/log/envelope.ts';
import { decodeRequest } from '../../src/log/wire.ts';
import { Flock, type FlockOptions } from './flock.ts';
import { contextOf, crypto, noHistory, signerOf, smallRun } from './small-run.ts';

const peers = 8;
const liar = peers - 1;
/** Longer than the three stages of an audit, fifteen each where an auditor waits for what is not shown. */
const rounds = 60;
const run = smallRun({
  rounds,
  strategy: {
    ...{ windowRounds: 4, admitRounds: 2, snapshotRounds: 4, committeeSize: 64, audits: { rate: 1 } },
  },
});
const context = contextOf(run);
const { kind, number } = context.audits!;

const shown = (flock: Flock) => flock.status(0).shown.flatMap((one) => (one.kind === 'audit' ? [one] : []));

/** Those who carry no weight any more, and why. */
function convicted(flock: Flock): [number, string][] {
  assert.equal(flock.hashes().length, 1);
  return shown(flock).flatMap(({ author, text }) =>
    text.startsWith('its deltas carry no weight')
      ? [[flock.members.findIndex(({ key }) => key === author), text]]
      : [],
  );
}

/** The ids of the liar's own deltas, by round, as it announced them. */
function deltasOf(flock: Flock): Map<number, string> {
  return new Map(
    flock.member(liar).announced.flatMap((bytes) => {
      const opened = openEnvelope(bytes, context.envelopes);
      return opened.ok && opened.envelope.kind === 0 ? [[opened.envelope.round, opened.envelope.id]] : [];
    }),
  );
}

/** A finding that the liar signs, at a place which it has no use for otherwise. */
function finding(round: number, about: number, id: Uint8Array): Uint8Array {
  const claims: Claim[] = [about, id, 1];
  const place = { round, kind: number, index: kind.perAuthorAndRound - 1, anchor: noHistory, claims };
  return encodeEnvelope(sealEnvelope(place, crypto.sha256(id), context.envelopes, signerOf(liar)));
}

describe('among members of whom one lies about audits', () => {
  test('an auditor who always shouts is found out, and nobody whom it points at', (t) => {
    const retrain: FlockOptions['retrain'] = (member, end) =>
      member === liar ? end.map((value) => value + 1) : end;
    const flock = new Flock(run, { peers, seed: 'shouts', retrain });
    flock.bootAll();
    assert.ok(flock.finish());
    const found = convicted(flock);
    t.diagnostic(JSON.stringify(found));
    assert.deepEqual(
      found.map(([member]) => member),
      [liar],
    );
    assert.match(found[0]![1], /as an auditor it stood 2 times against most others/);
  });

  test('an author who shows another residual than its delta claims is taken for one who shows none', (t) => {
    let lies = 0;
    const impostor: FlockOptions['impostor'] = (member, bytes, from) => {
      if (member !== liar || decodeRequest(bytes)?.kind !== 'segment') return undefined;
      const frames = flock.ask(member, flock.member(from).key, bytes);
      return (
        frames?.map((frame) => {
          // Bodies are shorter.
          if (frame.length < 4 * run.initial.length) return frame;
          lies += 1;
          return frame.with(frame.length - 1, frame.at(-1)! ^ 1);
        }) ?? null
      );
    };
    const flock: Flock = new Flock(run, { peers, seed: 'residuals', impostor });
    flock.bootAll();
    assert.ok(flock.finish());
    const found = convicted(flock);
    t.diagnostic(`${lies} lies, ${JSON.stringify(found)}`);
    // Each is asked once a tick, of which a slot has two, and not as fast as it answers.
    assert.ok(lies > 3 && lies <= 2 * peers * rounds, `${lies} lies`);
    assert.deepEqual(
      found.map(([member]) => member),
      [liar],
    );
    assert.match(found[0]![1], /what 3 deltas of it began with could not be shown/);
  });

  test('findings on nothing and on deltas of its own are refused or counted, told, and change nothing', (t) => {
    const flock = new Flock(run, { peers, seed: 'nothing' });
    flock.bootAll();
    const { slotMs } = run.manifest;
    const verdicts = new Map<string, number>();
    const isOver = (): boolean =>
      flock.members.every(({ index }) => flock.status(index).phase === 'finished');
    for (let slot = 0; slot < 3 * rounds && !isOver(); slot++) {
      flock.runUntil((slot + 0.5) * slotMs);
      const round = flock.status(0).round;
      const own = deltasOf(flock);
      // In turn: of no delta at all, of its own that is final and drawn, of its own of another round, of a round to come.
      const about = Math.max(0, round - 4);
      const bytes = [
        finding(round, about, crypto.sha256(Uint8Array.of(slot))),
        finding(round, about, hexToBytes(own.get(about) ?? '00'.repeat(32))),
        finding(round, about, hexToBytes(own.get(about - 1) ?? '00'.repeat(32))),
        finding(round, round + 1, crypto.sha256(Uint8Array.of(slot))),
      ][slot % 4]!;
      for (const { index, key } of flock.members) {
        if (index === liar) continue;
        const verdict = `${slot % 4}: ${flock.announceTo(index, key, bytes)}`;
        verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
      }
    }
    assert.ok(isOver());
    const told = shown(flock).filter(({ author }) => author === flock.member(liar).key);
    const { refused } = flock.status(0);
    t.diagnostic(
      `${JSON.stringify([...verdicts])}, ${JSON.stringify(told.map(({ text }) => text))}, ${JSON.stringify(refused)}`,
    );
    assert.deepEqual(convicted(flock), []);
    const times = /^(\d+) times its word as an auditor did not count/.exec(told[0]?.text ?? '');
    assert.ok(told.length === 1 && Number(times?.[1]) >= 5, 'counted and told');
    assert.equal(shown(flock).length, 1, 'of nobody else');
    assert.ok(refused['not-in-committee'] > 0, 'of its own');
    assert.ok(refused.malformed > 0, 'of a round to come');
    assert.equal(flock.status(0).contributions.get(flock.member(liar).key)!.deltas, rounds);
  });
});
