import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as dagCbor from '@ipld/dag-cbor';
import { keyToBytes } from '../../src/core/bytes.ts';
import type { Signer } from '../../src/core/crypto.ts';
import type { RefusalReason, Verdict } from '../../src/core/io.ts';
import { announcementBytesMax, encodeEnvelope, sealEnvelope } from '../../src/log/envelope.ts';
import { encodeRequest } from '../../src/log/wire.ts';
import { Flock, lossy } from './flock.ts';
import {
  contextOf,
  messageOf,
  noHistory,
  type RunChanges,
  signerOf,
  smallRun,
  smallVector,
} from './small-run.ts';

const stranger = signerOf(77);

function single(changes: RunChanges = {}, untilMs = 4300): Flock {
  const flock = new Flock(smallRun({ rounds: 20, ...changes }), { peers: 1, seed: 'single' });
  flock.bootAll();
  flock.runUntil(untilMs);
  return flock;
}

function bytesOf(flock: Flock, author: Signer, round: number, seed = 'm', misses = 0): Uint8Array {
  const context = contextOf(flock.run);
  return encodeEnvelope(
    messageOf(context, author, round, smallVector(flock.run.initial.length, seed), misses),
  );
}

/** Announces to member 0 and checks verdict, count and event together. */
function judged(flock: Flock, bytes: Uint8Array, verdict: Verdict, reason: RefusalReason | null): void {
  const before = flock.status(0).refused;
  const eventsBefore = flock.member(0).of('refused').length;
  assert.equal(flock.announceTo(0, stranger.key, bytes), verdict);
  const after = flock.status(0).refused;
  for (const [name, count] of Object.entries(after)) {
    const added = count - before[name as RefusalReason];
    assert.equal(added, name === reason ? 1 : 0, `count of ${name}`);
  }
  const events = flock.member(0).of('refused').slice(eventsBefore);
  assert.deepEqual(events, reason ? [{ kind: 'refused', reason, from: stranger.key }] : []);
}

describe('an announcement in slot 4', () => {
  const flock = single();
  const context = contextOf(flock.run);
  const author = signerOf(5);

  test('of the rounds 1 to 5 is accepted', () => {
    for (const round of [1, 2, 3, 4, 5]) judged(flock, bytesOf(flock, author, round), 'accept', null);
    assert.equal(flock.member(0).of('accepted').length, 5);
  });

  test('that is held already is ignored as a replay', () => {
    judged(flock, bytesOf(flock, author, 4), 'ignore', 'replayed');
  });

  test('of a round further ahead than the clocks may be apart, or is too early', () => {
    judged(flock, bytesOf(flock, author, 6), 'ignore', 'too-early');
    judged(flock, bytesOf(flock, author, 20), 'ignore', 'too-early');
  });

  test('of a round before the admission window is too late', () => {
    judged(flock, bytesOf(flock, author, 0), 'ignore', 'too-late');
  });

  test('with another signature, another run, another body or no form is rejected', () => {
    const sealed = dagCbor.decode(bytesOf(flock, signerOf(6), 4)) as [Uint8Array, Uint8Array, Uint8Array];
    const [header, signature, body] = sealed;
    judged(flock, dagCbor.encode([header, stranger.sign(header), body]), 'reject', 'bad-signature');
    judged(flock, dagCbor.encode([header, signature, body.slice(1)]), 'reject', 'bad-body');
    judged(flock, Uint8Array.of(1, 2, 3), 'reject', 'malformed');
    judged(flock, new Uint8Array(announcementBytesMax + 1), 'reject', 'oversized');
    const fields = { round: 4, kind: 0, index: 0, anchor: noHistory, claims: [0, 4] };
    const other = { ...context.envelopes, runId: 'another' };
    judged(flock, encodeEnvelope(sealEnvelope(fields, body, other, author)), 'reject', 'wrong-run');
    const large = new Uint8Array(context.codec.bodyBytesMax + 1);
    judged(flock, encodeEnvelope(sealEnvelope(fields, large, context, author)), 'reject', 'oversized');
    // Rightly signed, and no delta.
    const nonsense = new Uint8Array(context.codec.bodyBytesMax).fill(255);
    judged(flock, encodeEnvelope(sealEnvelope(fields, nonsense, context, signerOf(8))), 'reject', 'bad-body');
  });

  test('of nobody on the list is rejected, of somebody on it is not', () => {
    const closed = single({ membership: { kind: 'allow-list', members: [signerOf(0).key, author.key] } });
    judged(closed, bytesOf(closed, signerOf(6), 4), 'reject', 'not-a-member');
    judged(closed, bytesOf(closed, author, 4), 'accept', null);
  });

  test('of somebody far outside the committee is ignored', () => {
    const crowded = single({ strategy: { committeeSize: 1, expectedPeers: 10_000_000 } });
    judged(crowded, bytesOf(crowded, author, 4), 'ignore', 'not-in-committee');
  });

  test('in a folded round is too late, even where the clock would still admit it', () => {
    const alone = single({ strategy: { windowRounds: 3, admitRounds: 2 } }, 19_300);
    const { finalisedRound } = alone.status(0);
    assert.ok(finalisedRound >= 0);
    judged(alone, bytesOf(alone, author, finalisedRound), 'ignore', 'too-late');
  });

  test('never throws, whatever the bytes', () => {
    const good = bytesOf(flock, signerOf(9), 4);
    for (let at = 0; at < good.length; at += 3) {
      const mutated = good.slice();
      mutated[at]! ^= 0x55;
      assert.equal(flock.announceTo(0, stranger.key, mutated), 'reject', `byte ${at}`);
    }
  });
});

describe('a request', () => {
  const flock = single();
  const zero = new Uint8Array(32);
  const refusedAs = (bytes: Uint8Array): void => {
    const before = flock.status(0).refused['bad-request'];
    assert.equal(flock.ask(0, stranger.key, bytes), null);
    assert.equal(flock.status(0).refused['bad-request'], before + 1);
  };

  test('that is not understood is refused and counted', () => {
    refusedAs(new Uint8Array(0));
    refusedAs(Uint8Array.of(0x81, 0x09));
    refusedAs(encodeRequest({ kind: 'push', envelope: bytesOf(flock, stranger, 4) }));
  });

  test('for what is not held is refused and not counted: it may have been held when it was offered', () => {
    const before = flock.status(0).refused['bad-request'];
    assert.equal(flock.ask(0, stranger.key, encodeRequest({ kind: 'leaves', root: zero })), null);
    assert.equal(flock.ask(0, stranger.key, encodeRequest({ kind: 'segment', root: zero, index: 0 })), null);
    assert.equal(flock.status(0).refused['bad-request'], before);
  });

  test('for a segment past the end is refused and counted', () => {
    const message = messageOf(contextOf(flock.run), stranger, 4, smallVector(flock.run.initial.length, 's'));
    assert.equal(flock.announceTo(0, stranger.key, encodeEnvelope(message)), 'accept');
    const segment = (index: number): Uint8Array =>
      encodeRequest({ kind: 'segment', root: message.bodyRoot, index });
    assert.deepEqual(flock.ask(0, stranger.key, segment(0)), [message.body]);
    refusedAs(segment(1));
  });

  test('for unknown messages is answered with none', () => {
    assert.deepEqual(flock.ask(0, stranger.key, encodeRequest({ kind: 'entries', ids: [zero] })), []);
  });
});

describe('the mesh carries on what changes a log, and no more', () => {
  test('of one place two entries, which prove the equivocation; any others end here', () => {
    const flock = single();
    const author = signerOf(5);
    const verdicts = [0, 1, 2, 3, 4].map((seed) =>
      flock.announceTo(0, stranger.key, bytesOf(flock, author, 4, `e/${seed}`)),
    );
    assert.deepEqual(verdicts, ['accept', 'accept', 'ignore', 'ignore', 'ignore']);
  });

  test('of one place two envelopes whose bodies are elsewhere', () => {
    const flock = new Flock(smallRun({ rounds: 20 }), { peers: 2, seed: 'bodiless' });
    flock.bootAll();
    flock.runUntil(4300);
    const context = contextOf(flock.run);
    const verdicts = [0, 1, 2, 3, 4].map((seed) => {
      const message = messageOf(context, signerOf(5), 4, smallVector(flock.run.initial.length, `b/${seed}`));
      return flock.announceTo(0, signerOf(1).key, encodeEnvelope(message, 0));
    });
    assert.deepEqual(verdicts, ['accept', 'accept', 'ignore', 'ignore', 'ignore']);
  });
});

describe('an equivocator', () => {
  const evil = signerOf(99);

  /** Different members hear different ones of three messages of round 5. */
  function betrayed(seed: string, drops: ReturnType<typeof lossy> | null): Flock {
    const run = smallRun({ rounds: 34 });
    const flock = new Flock(run, drops ? { peers: 5, seed, drops } : { peers: 5, seed });
    flock.bootAll();
    flock.runUntil(3300);
    for (const { index } of flock.members)
      flock.announceTo(index, evil.key, bytesOf(flock, evil, 3, 'honest'));
    flock.runUntil(5300);
    for (const { index } of flock.members) {
      flock.announceTo(index, evil.key, bytesOf(flock, evil, 5, `tale ${index % 3}`));
    }
    // And two of them to one member at once.
    flock.announceTo(0, evil.key, bytesOf(flock, evil, 5, 'tale 1'));
    return flock;
  }

  for (const [seed, drops] of [
    ['evil/0', null],
    ['evil/1', lossy(0.15, 'evil/1')],
  ] as const) {
    test(`is found out by everyone, and the models agree (${seed})`, () => {
      const flock = betrayed(seed, drops);
      flock.runUntil(7300);
      for (const { index } of flock.members)
        flock.announceTo(index, evil.key, bytesOf(flock, evil, 7, 'later'));
      flock.runUntil(30_300);
      for (const member of flock.members) {
        assert.ok(member.of('equivocation').some(({ author, round }) => author === evil.key && round === 5));
        // Two windows after the proof nothing of it is even forwarded; who did so may not have caught up yet.
        const before = flock.status(member.index).refused.equivocation;
        assert.equal(flock.announceTo(member.index, evil.key, bytesOf(flock, evil, 30, 'again')), 'ignore');
        assert.equal(flock.status(member.index).refused.equivocation, before + 1);
      }
      assert.ok(flock.finish());
      assert.equal(flock.hashes().length, 1);
      // What came before the proof stands, what came after it does not count.
      assert.equal(flock.status(0).contributions.get(evil.key)?.deltas, 1);
    });
  }
});

test('of an equivocator other two messages prove the same: the set of the peers can be adopted', () => {
  const evil = signerOf(99);
  const flock: Flock = new Flock(smallRun({ rounds: 20 }), {
    peers: 4,
    seed: 'two-proofs',
    // Nobody hears member 0 while round 3 is open, so that its own delta is left out of the others' set.
    drops: (_, from, __, nowMs) => {
      const sinceStart = nowMs - flock.run.manifest.startAtMs;
      return from === 0 && sinceStart >= 3000 && sinceStart < 11_500;
    },
  });
  flock.bootAll();
  flock.runUntil(3300);
  for (const { index } of flock.members) {
    for (const tale of ['a', index === 0 ? 'c' : 'b']) {
      flock.announceTo(index, evil.key, bytesOf(flock, evil, 3, tale));
    }
  }
  flock.runUntil(13_500);
  assert.ok(
    flock
      .member(0)
      .of('restored')
      .some(({ round }) => round === 3),
  );
  assert.ok(flock.status(0).finalisedRound >= 3);
  assert.ok(flock.finish());
  assert.equal(flock.hashes().length, 1);
  assert.equal(flock.member(0).of('fork').length, 0);
});

test('a key in hexadecimal and in bytes is the same key', () => {
  assert.equal(Buffer.from(keyToBytes(stranger.key)).toString('hex'), stranger.key);
});
