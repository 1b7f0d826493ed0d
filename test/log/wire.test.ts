import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as dagCbor from '@ipld/dag-cbor';
import fc from 'fast-check';
import { emptySetDigest } from '../../src/log/log-book.ts';
import {
  type Chain,
  chainRoundsMax,
  type DigestAnswer,
  decodeChain,
  decodeDigestAnswer,
  decodeHashList,
  decodeRequest,
  encodeChain,
  encodeDigestAnswer,
  encodeHashList,
  encodeRequest,
  idsPerRequestMax,
  type Request,
  roundsPerDigestMax,
  rowsPerRoundMax,
} from '../../src/log/wire.ts';

/** fast-check makes objects without prototype unless told. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record<T>(model, { noNullPrototype: true });

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const count = fc.nat(0x7fff_ffff);
const round = fc.oneof(fc.constant(-1), count);

const requests: fc.Arbitrary<Request> = fc.oneof(
  record({
    kind: fc.constant('digest' as const),
    finalised: round,
    root: hash,
    work: count,
    from: count,
    digests: fc.array(fc.oneof(hash, fc.constant(emptySetDigest)), { maxLength: roundsPerDigestMax }),
  }),
  record({ kind: fc.constant('entries' as const), ids: fc.array(hash, { maxLength: 20 }) }),
  record({ kind: fc.constant('leaves' as const), root: hash }),
  record({ kind: fc.constant('held' as const), root: hash }),
  record({ kind: fc.constant('segment' as const), root: hash, index: count }),
  fc.constant({ kind: 'snapshots' as const }),
  record({ kind: fc.constant('push' as const), envelope: fc.uint8Array() }),
  record({
    ...{ kind: fc.constant('chain' as const), round: count, root: hash },
    count: fc.integer({ min: 1, max: chainRoundsMax }),
  }),
);

const row = fc.oneof(
  fc.uint8Array({ minLength: 66, maxLength: 66 }),
  fc.uint8Array({ minLength: 98, maxLength: 98 }),
);
const rows = fc.array(row, { maxLength: 5 });
const answers: fc.Arbitrary<DigestAnswer> = record({
  nextHeld: fc.option(count),
  reachesBack: fc.boolean(),
  atYours: fc.option(fc.oneof(record({ root: hash, work: count }), fc.constant('the same' as const))),
  rounds: fc.array(
    fc.oneof(
      record({
        state: fc.constantFrom('same-open' as const, 'same-final' as const, 'unknown' as const),
        rows: fc.constant([]),
      }),
      record({ state: fc.constantFrom('differs-open' as const, 'differs-final' as const), rows }),
      record({ state: fc.constant('differs-open' as const), rows, digest: hash }),
    ),
    { maxLength: 8 },
  ),
});

const chains: fc.Arbitrary<Chain> = record({
  root: hash,
  digests: fc.array(fc.option(hash), { minLength: 1, maxLength: chainRoundsMax }),
});

const hashes = (length: number): Uint8Array[] => Array.from({ length }, () => new Uint8Array(32));

describe('requests and answers', () => {
  test('come back as they were sent', () => {
    fc.assert(
      fc.property(requests, (request) => assert.deepEqual(decodeRequest(encodeRequest(request)), request)),
    );
    fc.assert(
      fc.property(answers, (answer) =>
        assert.deepEqual(decodeDigestAnswer(encodeDigestAnswer(answer)), answer),
      ),
    );
    fc.assert(
      fc.property(chains, (chain) =>
        assert.deepEqual(decodeChain(encodeChain(chain), chainRoundsMax), chain),
      ),
    );
    fc.assert(
      fc.property(fc.array(hash), (list) =>
        assert.deepEqual(decodeHashList(encodeHashList(list), 100), list),
      ),
    );
  });

  test('bytes that no encoder wrote never pass: what decodes, encodes to the same bytes', () => {
    const roundTrip = (bytes: Uint8Array): void => {
      const request = decodeRequest(bytes);
      if (request) assert.deepEqual(encodeRequest(request), bytes);
      const answer = decodeDigestAnswer(bytes);
      if (answer) assert.deepEqual(encodeDigestAnswer(answer), bytes);
      const chain = decodeChain(bytes, 8);
      if (chain) assert.deepEqual(encodeChain(chain), bytes);
      const list = decodeHashList(bytes, 8);
      if (list) assert.deepEqual(encodeHashList(list), bytes);
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 120 }), roundTrip));
    const encoded = fc.oneof(
      requests.map(encodeRequest),
      answers.map(encodeDigestAnswer),
      chains.map(encodeChain),
    );
    fc.assert(
      fc.property(encoded, fc.nat(), fc.nat(255), fc.boolean(), (bytes, at, value, cut) => {
        const mutated = cut ? bytes.slice(0, at % bytes.length) : bytes.slice();
        if (!cut) mutated[at % bytes.length] = value;
        roundTrip(mutated);
      }),
      { numRuns: 1000 },
    );
  });

  test('are refused beyond their bounds', () => {
    const root = new Uint8Array(32);
    const digest = (digests: Uint8Array[], changes: object = {}): Uint8Array =>
      encodeRequest({ kind: 'digest', finalised: -1, root, work: 0, from: 0, digests, ...changes });
    assert.ok(decodeRequest(digest(hashes(roundsPerDigestMax))));
    assert.equal(decodeRequest(digest(hashes(roundsPerDigestMax + 1))), null);
    assert.equal(decodeRequest(digest([], { finalised: -2 })), null);
    assert.equal(decodeRequest(digest([], { from: -1 })), null);
    assert.equal(decodeRequest(digest([], { from: 2 ** 31 })), null);
    assert.equal(decodeRequest(digest([], { work: -1 })), null);
    for (const count of [0, chainRoundsMax + 1])
      assert.equal(decodeRequest(encodeRequest({ kind: 'chain', round: 9, root, count })), null);
    for (const length of [0, 9])
      assert.equal(decodeChain(encodeChain({ root, digests: hashes(length) }), 8), null);
    assert.equal(decodeRequest(digest([new Uint8Array(31)])), null);
    const entries = (length: number): Uint8Array => encodeRequest({ kind: 'entries', ids: hashes(length) });
    assert.ok(decodeRequest(entries(idsPerRequestMax)));
    assert.equal(decodeRequest(entries(idsPerRequestMax + 1)), null);
    assert.equal(decodeHashList(encodeHashList(hashes(9)), 8), null);

    const answer = (rounds: number, rows: number, bytes = 66): Uint8Array =>
      encodeDigestAnswer({
        nextHeld: 3,
        reachesBack: true,
        atYours: null,
        rounds: Array.from({ length: rounds }, () => ({
          state: 'differs-open' as const,
          rows: Array.from({ length: rows }, () => new Uint8Array(bytes)),
        })),
      });
    assert.ok(decodeDigestAnswer(answer(1, rowsPerRoundMax)));
    assert.equal(decodeDigestAnswer(answer(1, rowsPerRoundMax + 1)), null);
    assert.ok(decodeDigestAnswer(answer(roundsPerDigestMax, 0)));
    assert.equal(decodeDigestAnswer(answer(roundsPerDigestMax + 1, 0)), null);
    assert.equal(decodeDigestAnswer(answer(1, 1, 65)), null);
  });

  test('unknown tags and states, and fields too many, are refused', () => {
    const root = new Uint8Array(32);
    for (const fields of [
      [],
      [7],
      [-1],
      ['digest'],
      [4, 0],
      [2, root, 0],
      [3, root],
      [5, 'text'],
      [2, 'text'],
    ]) {
      assert.equal(decodeRequest(dagCbor.encode(fields)), null, JSON.stringify(fields));
    }
    const answered = (...fields: unknown[]): DigestAnswer | null =>
      decodeDigestAnswer(dagCbor.encode(fields));
    assert.ok(answered(0, true, false, [0, 1, [2, []], [2, [], root], [3, []], 4]));
    for (const round of [
      2,
      3,
      5,
      -1,
      null,
      [],
      [0],
      [0, []],
      [1, []],
      [5, []],
      [2],
      [3, [], root],
      [2, [], []],
    ])
      assert.equal(answered(0, true, false, [round]), null, JSON.stringify(round));
    assert.equal(answered(0, true, [root], []), null);
    assert.equal(answered(0, true, null, []), null);
    assert.equal(answered(0, 1, false, []), null);
    assert.equal(answered(-1, true, false, []), null);
  });

  test('numbers in a second form are refused', () => {
    // [4] is 81 04; the library's decoder also takes 4 as a float.
    assert.deepEqual(dagCbor.decode(Buffer.from('81fb4010000000000000', 'hex')), [4]);
    assert.equal(decodeRequest(Buffer.from('81fb4010000000000000', 'hex')), null);
    assert.ok(decodeRequest(Buffer.from('8104', 'hex')));
  });
});
