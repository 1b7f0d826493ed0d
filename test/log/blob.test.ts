import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  blobRoot,
  leafHash,
  leavesOf,
  merkleRoot,
  segmentBytesMax,
  segmentCount,
  segmentOf,
} from '../../src/content/blob.ts';
import { decodeHeld, encodeHeld } from '../../src/content/held-segments.ts';
import { bytesToHex } from '../../src/core/bytes.ts';
import { type Envelope, sealEnvelope } from '../../src/log/envelope.ts';
import { BlobFetch, type BlobPart } from '../../src/log/repair/blob-fetch.ts';
import { EntryFetch } from '../../src/log/repair/entry-fetch.ts';
import { encodeHashList } from '../../src/log/wire.ts';
import { takeOverLines } from './blob-lines.ts';
import { crypto, signerOf } from './small-run.ts';

const blobOf = (bytes: number): Uint8Array =>
  new Uint8Array(bytes).map((_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 24);
const blob = blobOf(5 * segmentBytesMax + 100);
const root = blobRoot(crypto, blob);
const context = { crypto, nowMs: () => 0, random: () => 0.5 };

type Donor = (part: BlobPart) => Uint8Array | undefined;
const honest: Donor = (part) =>
  part.kind === 'segment' ? segmentOf(blob, part.index) : encodeHashList(leavesOf(crypto, blob));

/** Asks the donors until nothing is left to ask; says who was asked for what. */
function fetchFrom(fetch: BlobFetch, donors: Readonly<Record<string, Donor>>): Map<string, BlobPart[]> {
  const asked = new Map<string, BlobPart[]>(Object.keys(donors).map((peer) => [peer, []]));
  for (const peer of Object.keys(donors)) fetch.addHolder(peer);
  for (let asks = fetch.next(); asks.length > 0; asks = fetch.next()) {
    for (const { peer, part } of asks) {
      asked.get(peer)!.push(part);
      const frame = donors[peer]!(part);
      if (frame) fetch.accept(peer, part, frame);
      else fetch.failed(peer, part, true);
    }
  }
  return asked;
}

const newFetch = (bytes = blob.length): BlobFetch => new BlobFetch(root, bytes, context);

describe('blobs', () => {
  test('have one root: leaves and nodes are told apart, an odd node moves up', () => {
    const [a, b, c] = [1, 2, 3].map((byte) => leafHash(crypto, Uint8Array.of(byte))) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    assert.deepEqual(leafHash(crypto, Uint8Array.of(1)), crypto.sha256(Uint8Array.of(0, 1)));
    assert.deepEqual(merkleRoot(crypto, [a]), a);
    const ab = crypto.sha256(Uint8Array.of(1), a, b);
    assert.deepEqual(merkleRoot(crypto, [a, b]), ab);
    assert.deepEqual(merkleRoot(crypto, [a, b, c]), crypto.sha256(Uint8Array.of(1), ab, c));
  });

  test('change their root with any byte and with their length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 50 }), fc.nat(), (bytes, at) => {
        const changed = bytes.slice();
        changed[at % bytes.length]! ^= 1;
        const longer = Uint8Array.of(...bytes, 0);
        const roots = [bytes, changed, longer].map((each) => bytesToHex(blobRoot(crypto, each)));
        assert.equal(new Set(roots).size, 3);
      }),
    );
    assert.deepEqual([0, 1, segmentBytesMax, segmentBytesMax + 1].map(segmentCount), [1, 1, 1, 2]);
  });
});

describe('fetching a blob', () => {
  test('takes segments from every donor', () => {
    const fetch = newFetch();
    const asked = fetchFrom(fetch, { a: honest, b: honest, c: honest });
    assert.deepEqual(fetch.blob, blob);
    for (const [peer, parts] of asked) {
      assert.ok(parts.filter(({ kind }) => kind === 'segment').length >= 2, `${peer} gave too little`);
    }
  });

  const liars: Readonly<Record<string, Donor>> = {
    'one byte is another': (part) => {
      const frame = honest(part)!.slice();
      frame[7]! ^= 1;
      return frame;
    },
    'segments are swapped': (part) =>
      part.kind === 'segment' ? segmentOf(blob, (part.index + 1) % 6) : honest(part),
    'a segment is cut': (part) => honest(part)!.subarray(0, 31),
    'a leaf is missing': (part) =>
      part.kind === 'leaves' ? encodeHashList(leavesOf(crypto, blob).slice(1)) : honest(part),
    'a leaf is another': (part) =>
      part.kind === 'leaves'
        ? encodeHashList(leavesOf(crypto, blob).with(2, new Uint8Array(32)))
        : Uint8Array.of(1),
    'it answers nonsense': () => Uint8Array.of(1, 2, 3),
    'it fails': () => undefined,
  };
  for (const [name, liar] of Object.entries(liars)) {
    test(`completes from the other donor where ${name}`, () => {
      for (const donors of [
        { liar, good: honest },
        { good: honest, liar },
      ]) {
        const fetch = newFetch();
        const asked = fetchFrom(fetch, donors);
        assert.deepEqual(fetch.blob, blob);
        assert.ok(!fetch.stuck);
        // Six segments may be under way before the first lie comes back, and then no more.
        assert.ok(asked.get('liar')!.length <= 7);
      }
      const alone = newFetch();
      fetchFrom(alone, { liar });
      assert.equal(alone.blob, null);
      assert.ok(alone.stuck);
    });
  }

  test('never takes a donor back that lied', () => {
    const fetch = newFetch();
    fetch.addHolder('liar');
    const [ask] = fetch.next();
    assert.equal(fetch.accept('liar', ask!.part, Uint8Array.of(0)), false);
    fetch.addHolder('liar');
    assert.ok(fetch.stuck);
    assert.deepEqual(fetch.next(), []);
  });

  test('of another length than announced is never complete', () => {
    for (const bytes of [blob.length - 1, blob.length + 1, 3 * segmentBytesMax, 6 * segmentBytesMax]) {
      const fetch = newFetch(bytes);
      fetchFrom(fetch, { a: honest });
      assert.equal(fetch.blob, null, `${bytes}`);
    }
  });

  test('asks for few segments at a time, and for more of a donor that is quick', () => {
    const large = blobOf(20 * segmentBytesMax);
    const fetch = new BlobFetch(blobRoot(crypto, large), large.length, context);
    fetch.addHolder('a');
    const [ask] = fetch.next();
    fetch.accept('a', ask!.part, encodeHashList(leavesOf(crypto, large)));
    const first = fetch.next();
    assert.equal(first.length, 2);
    assert.equal(fetch.next().length, 0);
    for (const { peer, part } of first)
      fetch.accept(peer, part, segmentOf(large, part.kind === 'segment' ? part.index : 0));
    assert.equal(fetch.next().length, 6);
    assert.equal(fetch.next().length, 0);
  });
});

describe('fetching a large blob', () => {
  const large = blobOf(20 * segmentBytesMax);
  const largeRoot = blobRoot(crypto, large);
  const largeLeaves = encodeHashList(leavesOf(crypto, large));
  const seconds = 1_000;

  function begun(holders: readonly string[]) {
    let nowMs = 0;
    const fetch = new BlobFetch(largeRoot, large.length, { ...context, nowMs: () => nowMs });
    for (const holder of holders) fetch.addHolder(holder);
    const pass = (ms: number): void => {
      nowMs += ms;
    };
    return { fetch, pass };
  }

  /** What somebody answers who has these segments. */
  const answerOf = (part: BlobPart, held: readonly number[] = [...Array(20).keys()]): Uint8Array => {
    if (part.kind === 'leaves') return largeLeaves;
    return part.kind === 'held' ? encodeHeld(held, 20) : segmentOf(large, part.index);
  };

  test('asks a donor again that was silent or busy, later each time, and keeps what it has', () => {
    const { fetch, pass } = begun(['a']);
    const [leaves] = fetch.next();
    fetch.accept('a', leaves!.part, largeLeaves);
    const [given, ...lost] = fetch.next();
    fetch.accept('a', given!.part, answerOf(given!.part));
    for (const { peer, part } of [...lost, ...fetch.next()]) fetch.failed(peer, part, false);
    assert.ok(!fetch.stuck);
    assert.deepEqual(fetch.next(), [], 'it is left alone');
    pass(seconds);
    const again = fetch.next();
    assert.ok(again.length > 0 && again.every(({ peer }) => peer === 'a'));
    for (const { peer, part } of again) fetch.failed(peer, part, false);
    pass(0.5 * seconds);
    assert.deepEqual(fetch.next(), [], 'for longer than before');
    pass(seconds);
    for (let asks = fetch.next(); asks.length > 0; asks = fetch.next())
      for (const { peer, part } of asks) fetch.accept(peer, part, answerOf(part));
    assert.deepEqual(fetch.blob, large);
  });

  test('gives up one that never answers soon, and one that has answered later', () => {
    const failuresOf = (answersFirst: boolean): number => {
      const { fetch, pass } = begun(['a']);
      let failures = 0;
      if (answersFirst) fetch.accept('a', fetch.next()[0]!.part, largeLeaves);
      for (; !fetch.stuck; pass(10 * seconds)) {
        for (const { peer, part } of fetch.next()) fetch.failed(peer, part, false);
        failures += 1;
      }
      return failures;
    };
    assert.ok(failuresOf(false) <= 2);
    assert.ok(failuresOf(true) > 4 && failuresOf(true) < 20);
  });

  test('takes what peers have of it that take it as well, and nothing else', () => {
    const { fetch, pass } = begun(['whole']);
    for (const peer of ['half', 'empty']) fetch.addTaker(peer);
    const asked = new Map<string, number>();
    const held = [3, 5, 7, 9];
    for (let turn = 0; turn < 100 && !fetch.blob; turn++, pass(100)) {
      for (const { peer, part } of fetch.next()) {
        if (peer === 'empty') {
          assert.equal(part.kind, 'held');
          fetch.failed(peer, part, true);
          continue;
        }
        if (peer === 'half' && part.kind === 'segment') assert.ok(held.includes(part.index));
        if (part.kind === 'segment') asked.set(peer, (asked.get(peer) ?? 0) + 1);
        assert.ok(fetch.accept(peer, part, answerOf(part, held)));
      }
    }
    assert.deepEqual(fetch.blob, large);
    assert.ok(asked.get('half')! >= 2, 'it gave of what it has');
  });

  test('goes on with what others have where no holder is left', () => {
    const { fetch, pass } = begun(['whole']);
    fetch.accept('whole', fetch.next()[0]!.part, largeLeaves);
    fetch.addTaker('other');
    const [held] = fetch.next().filter(({ part }) => part.kind === 'held');
    fetch.accept('other', held!.part, encodeHeld([1, 2, 3], 20));
    fetch.failed('whole', { kind: 'segment', index: 0 }, true);
    assert.ok(!fetch.stuck);
    for (const { peer, part } of fetch.next()) {
      assert.equal(peer, 'other');
      fetch.accept(peer, part, answerOf(part, [1, 2, 3]));
    }
    pass(seconds);
    for (const { peer, part } of fetch.next()) fetch.accept(peer, part, answerOf(part));
    for (let asks = fetch.next(); asks.length > 0; asks = fetch.next())
      for (const { peer, part } of asks) fetch.accept(peer, part, answerOf(part));
    assert.deepEqual(fetch.blob, large);
  });

  test('gives what it has verified, and says which that is', () => {
    const { fetch } = begun(['whole']);
    assert.equal(fetch.heldBits(), null);
    fetch.accept('whole', fetch.next()[0]!.part, largeLeaves);
    const part = fetch.next()[0]!.part;
    assert.ok(part.kind === 'segment');
    assert.equal(fetch.segment(part.index), null);
    fetch.accept('whole', part, answerOf(part));
    assert.deepEqual(fetch.segment(part.index), segmentOf(large, part.index));
    assert.deepEqual(decodeHeld(fetch.heldBits()!, 20), new Set([part.index]));
    assert.equal(fetch.segment(20), null);
  });

  test('four that take it at once from one donor give it to each other', () => {
    const line = { bytes: 16e6, bytesPerSecond: 2e6 };
    const one = takeOverLines({ ...line, takers: 1 });
    const four = takeOverLines({ ...line, takers: 4 });
    assert.ok(four.lastMs < 1.8 * one.lastMs, `${four.lastMs / one.lastMs} times the time`);
    assert.ok(four.donorGave < 1.8, `the donor gave it ${four.donorGave} times`);
  });

  test('a peer that says that it has segments that there are not is asked no more', () => {
    const { fetch, pass } = begun(['whole']);
    fetch.addTaker('liar');
    const [held] = fetch.next().filter(({ peer }) => peer === 'liar');
    fetch.accept('liar', held!.part, new Uint8Array(5).fill(255));
    pass(60 * seconds);
    assert.ok(fetch.next().every(({ peer }) => peer === 'whole'));
  });
});

describe('fetching entries', () => {
  const envelopes = { runId: 'run', crypto };
  const announced = (author: number, round: number): Envelope => ({
    ...sealEnvelope(
      { round, kind: 0, index: 0, anchor: null, claims: [] },
      blob,
      envelopes,
      signerOf(author),
    ),
    body: null,
  });

  test('a body that two entries share completes both, and outlives the first to be given up', () => {
    const [first, second] = [announced(1, 3), announced(2, 4)];
    for (const prune of [false, true]) {
      const fetch = new EntryFetch(context);
      fetch.wantBody(first, 'a');
      fetch.wantBody(second, 'a');
      if (prune) fetch.pruneThrough(3);
      const completed: string[] = [];
      for (let asks = fetch.asks(); asks.length > 0; asks = fetch.asks()) {
        for (const { meaning } of asks) {
          assert.ok(meaning.kind === 'blob');
          for (const { id, body } of fetch.blobPart(meaning, honest(meaning.part)) ?? []) {
            assert.deepEqual(body, blob);
            completed.push(id);
          }
        }
      }
      assert.deepEqual(completed, prune ? [second.id] : [first.id, second.id]);
    }
  });

  test('asks the next holder where one does not have it, and then gives up', () => {
    const fetch = new EntryFetch(context);
    const { id } = announced(1, 3);
    fetch.want(id, 3, 'a');
    fetch.want(id, 3, 'b');
    const asked: string[] = [];
    for (let asks = fetch.asks(); asks.length > 0; asks = fetch.asks()) {
      for (const { meaning } of asks) {
        assert.ok(meaning.kind === 'entries');
        asked.push(meaning.peer);
        fetch.entriesDone(meaning.peer, meaning.ids);
      }
    }
    assert.deepEqual(asked, ['a', 'b']);
    assert.equal(fetch.missing, 0);
  });
});
