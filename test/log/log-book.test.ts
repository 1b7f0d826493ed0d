import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createSharedWork } from '../../sim/shared-work.ts';
import { addDelta } from '../../src/codec/delta.ts';
import { encodeFloat32 } from '../../src/codec/dense.ts';
import { bytesToHex } from '../../src/core/bytes.ts';
import type { DeltaContent } from '../../src/entries/delta/delta-state.ts';
import type { LogEntry } from '../../src/log/entry-kind.ts';
import { LogBook, placeBytes, placeFromBytes, placeKey, placeToBytes } from '../../src/log/log-book.ts';
import { foldRound, initialState } from '../../src/log/log-state.ts';
import { ticketOf } from '../../src/log/ticket.ts';
import { rngFor } from '../../src/math/rng.ts';
import {
  bookOf,
  contextOf,
  crypto,
  deltaStateOf,
  messageOf,
  signerOf,
  smallRun,
  smallVector,
} from './small-run.ts';

const run = smallRun({ inputs: 255 });
const context = contextOf(run);
const authors = Array.from({ length: 7 }, (_, index) => signerOf(index));
const rounds = 5;

/** Deltas of very different size, so that float32 addition rounds at every step. */
const messages: LogEntry<DeltaContent>[] = Array.from({ length: rounds }, (_, round) =>
  authors.map((author, index) =>
    messageOf(
      context,
      author,
      round,
      smallVector(run.initial.length, `delta/${round}/${index}`, 10 ** -(index % 4)),
    ),
  ),
).flat();

/** The messages in one of many orders, some of them twice. */
function arrivals(seed: number): LogEntry<DeltaContent>[] {
  const rng = rngFor(`arrivals/${seed}`);
  return rng.shuffle([...messages, ...messages.filter(() => rng.float() < 0.5)]);
}

const hashOf = (vector: Float32Array): string => bytesToHex(crypto.sha256(encodeFloat32(vector)));

function materialised(log: LogBook): string {
  const state = initialState(context.kinds, context.frame);
  for (let round = 0; round < rounds; round++)
    foldRound(state, log.places(round), log.digest(round), context);
  return hashOf(context.delta.parameters(deltaStateOf(state)));
}

function logOf(list: readonly LogEntry<DeltaContent>[]): LogBook {
  const log = bookOf(context);
  for (const message of list) log.insert(message);
  return log;
}

describe('the model is a function of the set', () => {
  const orders = Array.from({ length: 8 }, (_, seed) => arrivals(seed));

  test('8 random orders with duplicates give one SHA-256 of the materialised model', () => {
    const hashes = new Set(orders.map((order) => materialised(logOf(order))));
    assert.equal(hashes.size, 1);
    const without = materialised(logOf(messages.slice(1)));
    assert.ok(!hashes.has(without), 'a missing delta must show');
  });

  test('the same deltas in float32 addition give more than one', () => {
    const hashes = orders.map((order) => {
      const model = run.initial.slice();
      for (const message of new Set(order)) addDelta(model, message.content.delta);
      return hashOf(model);
    });
    assert.ok(new Set(hashes).size > 1);
  });

  test('digests do not depend on order, and show every message', () => {
    const digests = orders.map((order) => bytesToHex(logOf(order).digest(2)));
    assert.equal(new Set(digests).size, 1);
    const lacking = messages.find(({ round }) => round === 2)!;
    const other = bytesToHex(logOf(messages.filter(({ id }) => id !== lacking.id)).digest(2));
    assert.notEqual(other, digests[0]);
    assert.deepEqual(logOf([]).digest(0), crypto.sha256());
    for (const held of [[], messages])
      assert.equal(logOf(held).digestHex(2), bytesToHex(logOf(held).digest(2)));
  });
});

describe('the log book', () => {
  const rival = (seed: string): LogEntry<DeltaContent> =>
    messageOf(context, authors[0]!, 0, smallVector(run.initial.length, seed));
  const three = [rival('a'), rival('b'), rival('c')] as const;

  test('two entries at one place make one marker, whichever two and in whatever order', () => {
    const [a, b, c] = three;
    const rest = messages.filter(({ round, author }) => round === 0 && author !== a.author);
    const digests = [
      [a, b],
      [b, a],
      [a, c],
      [c, b],
      [a, b, c],
      [c, a, b, a],
    ].map((order) => {
      const log = logOf([...order, ...rest]);
      assert.equal(log.at(0, a.author)?.kind, 'equivocation');
      return bytesToHex(log.digest(0));
    });
    assert.equal(new Set(digests).size, 1);
    assert.notEqual(bytesToHex(logOf([a, ...rest]).digest(0)), digests[0]);
  });

  test('says what an insertion did', () => {
    const log = bookOf(context);
    const [a, b, c] = three;
    assert.deepEqual(
      [a, a, b, b, c].map((message) => log.insert(message)),
      ['added', 'duplicate', 'equivocation', 'duplicate', 'duplicate'],
    );
    assert.equal(log.rows(0)[0]!.length, placeBytes + 64);
  });

  test('has room for so many entries of each kind, and room again when one goes', () => {
    const small = { ...context, kinds: [{ ...context.delta, entriesPerRoundMax: 2 }] as const };
    const log = bookOf(small);
    const ticket = ({ round, author }: { round: number; author: string }): number =>
      ticketOf(context, round, author);
    const [a, b, c] = messages
      .filter(({ round }) => round === 0)
      .toSorted((one, other) => ticket(one) - ticket(other));
    assert.deepEqual(
      [a!, b!, c!].map((entry) => log.insert(entry)),
      ['added', 'added', 'full'],
    );
    log.remove(0, a!.author);
    assert.equal(log.insert(c!), 'added');
    assert.equal(log.countOf(0, 0), 2);
    assert.equal(log.hasRoom(c!), false);
  });

  test('keeps the places with the lowest tickets of a round, whatever the order in which they come', () => {
    const entries = Array.from({ length: 12 }, (_, index) =>
      messageOf(context, signerOf(100 + (index % 10)), 5, smallVector(run.initial.length, `room/${index}`)),
    );
    const ranked = [...new Set(entries.map(({ author }) => author))].sort(
      (a, b) => ticketOf(context, 5, a) - ticketOf(context, 5, b),
    );
    fc.assert(
      fc.property(
        fc.shuffledSubarray(entries, { minLength: 12 }),
        fc.integer({ min: 1, max: 10 }),
        (order, room) => {
          const log = bookOf({ ...context, kinds: [{ ...context.delta, entriesPerRoundMax: room }] });
          const dropped: LogEntry[] = [];
          for (const entry of order) {
            const before = new Set(log.entries());
            const hadRoom = log.hasRoom(entry);
            const insertion = log.insert(entry, dropped);
            if (!log.at(5, entry.author)) assert.equal(insertion, 'full');
            if (insertion === 'full') assert.ok(!hadRoom && before.size === [...log.entries()].length);
          }
          assert.deepEqual(
            log.places(5).map(({ author }) => author),
            ranked.slice(0, room).sort(),
          );
          for (const { author } of dropped) assert.equal(log.at(5, author), undefined);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('names places by text that sorts as their bytes do', () => {
    const { key: author } = authors[0]!;
    const places = [
      { author, kind: 0, index: 0 },
      { author, kind: 0, index: 1 },
      { author, kind: 1, index: 0 },
      { author, kind: 1, index: 255 },
      { author: `${author.slice(0, -1)}f`, kind: 0, index: 0 },
    ];
    const keys = places.map(placeKey);
    assert.deepEqual([...keys].sort(), keys);
    assert.deepEqual(
      keys.map((key) => placeFromBytes(placeToBytes(key))),
      keys,
    );
  });

  test('one place for all that hold an entry, where work is shared; two that prove an equivocation are each their own', () => {
    const shared = createSharedWork(run.initial.length);
    const books = [0, 1].map(
      () => new LogBook({ runId: run.runId, crypto, entriesPerRoundMax: [8], shared }),
    );
    const [first] = messages;
    const other = messageOf(context, authors[0]!, 0, smallVector(run.initial.length, 'another'));
    for (const book of books) book.insert(first!);
    assert.equal(books[0]!.places(0)[0], books[1]!.places(0)[0]);
    books[0]!.insert(other);
    assert.equal(books[0]!.places(0)[0]!.held.kind, 'equivocation');
    assert.equal(books[1]!.places(0)[0]!.held.kind, 'entry');
    assert.deepEqual(books[1]!.digest(0), logOf([first!]).digest(0));
  });

  test('forgets rounds and authors with everything that leads to them', () => {
    const log = logOf(messages);
    const gone = messages.find(({ round }) => round === 3)!;
    log.remove(3, gone.author);
    assert.equal(log.entry(gone.id), undefined);
    assert.equal(log.at(3, gone.author), undefined);
    const dropped = log.pruneThrough(1);
    assert.equal(dropped.length, 2 * authors.length);
    assert.deepEqual(log.heldRounds(), [2, 3, 4]);
    assert.ok(log.isEmpty(0));
    for (const { id, bodyRoot } of dropped) {
      assert.equal(log.entry(id), undefined);
      assert.equal(log.body(bodyRoot), undefined);
    }
  });

  test('serves a body as long as one of the messages that carry it is held', () => {
    const vector = smallVector(run.initial.length, 'shared');
    const first = messageOf(context, authors[0]!, 0, vector);
    const copy = messageOf(context, authors[1]!, 1, vector);
    assert.deepEqual(first.bodyRoot, copy.bodyRoot);
    const root = first.bodyRoot;
    const log = logOf([first, copy]);
    log.pruneThrough(0);
    assert.deepEqual(log.body(root), copy.body);
    log.remove(1, copy.author);
    assert.equal(log.body(root), undefined);
    const other = logOf([copy, first]);
    other.remove(1, copy.author);
    assert.deepEqual(other.body(root), first.body);
  });
});
