/** What gossip is still bringing is not told by digests, and what differs no more is not asked for. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Output } from '../../src/core/io.ts';
import { Refusals } from '../../src/core/refusals.ts';
import { emptySetDigest } from '../../src/log/log-book.ts';
import { answerRequest } from '../../src/log/repair/answers.ts';
import { DigestExchange } from '../../src/log/repair/digest-exchange.ts';
import { Underway } from '../../src/log/repair/underway.ts';
import { Replica } from '../../src/log/replica.ts';
import { decodeDigestAnswer, encodeRequest } from '../../src/log/wire.ts';
import { contextOf, crypto, messageOf, signerOf, smallRun } from './small-run.ts';

test('the digest of an empty set is that of nothing', () => {
  assert.deepEqual(emptySetDigest, crypto.sha256());
});

describe('an entry is under way', () => {
  test('for 300 ms after it came, by a clock that may be set back', () => {
    const underway = new Underway();
    underway.note('one', 1_000);
    assert.ok(underway.has('one', 1_000) && underway.has('one', 1_299));
    assert.ok(!underway.has('one', 1_300) && !underway.has('one', 900));
    assert.ok(!underway.has('another', 1_000));
  });

  test('and is forgotten then', () => {
    const underway = new Underway();
    underway.note('one', 0);
    underway.note('two', 400);
    assert.ok(!underway.has('one', 100), 'it is not remembered');
    assert.ok(underway.has('two', 400));
  });
});

test('an open set is told but for what is under way, and by its digest then', () => {
  const run = smallRun({ rounds: 9 });
  const context = contextOf(run);
  const replica = new Replica({ ...context, crypto });
  const entries = [1, 2].map((author) => messageOf(context, signerOf(author), 0, run.initial));
  for (const entry of entries) replica.insert(entry);
  const { root, work } = replica.base;
  const bytes = encodeRequest({
    ...({ kind: 'digest', finalised: -1, from: 0 } as const),
    ...{ root, work, digests: [emptySetDigest] },
  });
  const told = (underway: readonly string[]) => {
    const out: Output[] = [];
    answerRequest(
      out,
      { type: 'request', from: signerOf(3).key, token: 0, bytes },
      {
        ...{ replica, refusals: new Refusals(), signer: signerOf(1), envelopes: context.envelopes },
        isUnderway: (id) => underway.includes(id),
        partOf: () => undefined,
      },
    );
    const [answer] = out;
    assert.ok(answer?.type === 'respond');
    return decodeDigestAnswer(answer.frames[0]!);
  };
  const whole = told([]);
  assert.equal(whole?.atYours, 'the same');
  assert.deepEqual(whole.rounds, [{ state: 'differs-open', rows: replica.log.rows(0) }]);
  const part = told([entries[0]!.id])!.rounds[0]!;
  assert.deepEqual(
    part.rows,
    replica.log.rows(0, (id) => id === entries[0]!.id),
  );
  assert.equal(part.rows.length, 1);
  assert.deepEqual(part.digest, replica.log.digest(0));
});

describe('who showed a set that is not ours', () => {
  const view = {
    ...{ slot: 2, isComplete: false, windowRounds: 3, isJoining: false },
    follows: () => true,
  };

  function shownAndAsked(shown: Uint8Array, thenShown: Uint8Array | null): number {
    const replica = new Replica({ ...contextOf(smallRun({ rounds: 9 })), crypto });
    const exchange = new DigestExchange({ replica, random: () => 0.999, isOurs: true });
    const request = (digest: Uint8Array) =>
      ({
        ...({ kind: 'digest', finalised: -1, work: 0, from: 0 } as const),
        ...{ root: replica.base.root, digests: [digest] },
      }) as const;
    exchange.heard('shower', request(shown), view);
    if (thenShown) exchange.heard('shower', request(thenShown), view);
    const peers = ['shower', ...Array.from({ length: 20 }, (_, index) => `peer ${index}`)];
    const { meanings } = exchange.asks(peers, view);
    return meanings.filter(({ peer }) => peer === 'shower').length;
  }

  test('is asked back, where it has not shown ours since', () => {
    const other = new Uint8Array(32).fill(7);
    assert.equal(shownAndAsked(other, null), 1);
    assert.equal(shownAndAsked(other, emptySetDigest), 0);
    assert.equal(shownAndAsked(emptySetDigest, null), 0);
  });
});
