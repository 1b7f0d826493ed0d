import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as dagCbor from '@ipld/dag-cbor';
import fc from 'fast-check';
import { segmentOf } from '../../src/content/blob.ts';
import type { Signer } from '../../src/core/crypto.ts';
import { encodeEnvelope, sealEnvelope } from '../../src/log/envelope.ts';
import { SnapshotJoin } from '../../src/log/join/snapshot-join.ts';
import { SnapshotParts } from '../../src/log/join/snapshot-parts.ts';
import { foldRound, initialState, type LogState } from '../../src/log/log-state.ts';
import {
  decodeState,
  encodeOffer,
  encodeState,
  makeSnapshot,
  openSnapshotHeader,
  type Snapshot,
  signSnapshotHeader,
  snapshotBytesMax,
} from '../../src/log/snapshot.ts';
import { encodeHashList } from '../../src/log/wire.ts';
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

const run = smallRun({ inputs: 31 });
const size = run.initial.length;
const context = contextOf(run);
const { kinds, envelopes } = context;
const bytesMax = snapshotBytesMax(kinds);

/** A state after some rounds, with an equivocator in it. */
function stateAfter(rounds: number): LogState {
  const log = bookOf(context);
  for (let round = 0; round < rounds; round++) {
    for (let author = 0; author < 3; author++) {
      log.insert(messageOf(context, signerOf(author), round, smallVector(size, `s/${round}/${author}`)));
    }
  }
  log.insert(messageOf(context, signerOf(1), 0, smallVector(size, 'rival')));
  const state = initialState(kinds, { ...context.frame, initHash: crypto.sha256() });
  for (let round = 0; round < rounds; round++)
    foldRound(state, log.places(round), log.digest(round), context);
  return state;
}

const state = stateAfter(3);
const bytes = encodeState(kinds, state);

describe('the folded state as bytes', () => {
  test('comes back as it was', () => {
    assert.deepEqual(decodeState(kinds, bytes), state);
    assert.equal(state.banned.size, 1);
    assert.equal(state.work, 6);
    assert.ok(bytes.length <= bytesMax);
  });

  test('does not depend on the order in which authors came', () => {
    const { contributions, statistics, ...rest } = deltaStateOf(state);
    const turned: LogState = {
      ...state,
      banned: new Map([...state.banned].reverse()),
      kinds: [
        {
          ...rest,
          contributions: new Map([...contributions].reverse()),
          statistics: new Map([...statistics].reverse()),
        },
        ...state.kinds.slice(1),
      ],
    };
    assert.deepEqual(encodeState(kinds, turned), bytes);
  });

  /** The length, big endian, and that many bytes of DAG-CBOR at `at`: with elements replaced, and all lengths right again. */
  function withFields(blob: Uint8Array, at: number, change: Record<number, unknown>): Uint8Array {
    const length = new DataView(blob.buffer, blob.byteOffset).getUint32(at);
    const changed = dagCbor.decode(blob.subarray(at + 4, at + 4 + length)) as unknown[];
    for (const [index, value] of Object.entries(change)) changed[Number(index)] = value;
    const metadata = dagCbor.encode(changed);
    const out = new Uint8Array(blob.length - length + metadata.length);
    out.set(blob.subarray(0, at));
    new DataView(out.buffer).setUint32(at, metadata.length);
    out.set(metadata, at + 4);
    out.set(blob.subarray(at + 4 + length), at + 4 + metadata.length);
    return out;
  }

  test('is refused in any other form', () => {
    const metadataBytes = new DataView(bytes.buffer).getUint32(0);
    const fields = dagCbor.decode(bytes.subarray(4, 4 + metadataBytes)) as unknown[][];
    assert.deepEqual(withFields(bytes, 0, {}), bytes);
    const [, , , , pace] = fields as [unknown, unknown, unknown, unknown, unknown[]];
    const paceWith = (at: number, value: unknown): Record<number, unknown> => ({ 4: pace.with(at, value) });
    const changes: ReadonlyArray<Record<number, unknown>> = [
      { 0: 1 },
      { 1: -2 },
      { 2: new Uint8Array(31) },
      { 3: -1 },
      { 4: 7 },
      paceWith(0, -1),
      paceWith(1, 'text'),
      paceWith(3, -1),
      paceWith(4, 0),
      paceWith(5, [0, 1000]),
      paceWith(5, [1]),
      paceWith(0, 2 ** 31 - 1),
      paceWith(1, 2 ** 31 - 1),
      paceWith(2, 2 ** 31 - 1),
      paceWith(6, [[new Uint8Array(32), 0]]),
      paceWith(6, [[new Uint8Array(32), 2 ** 16]]),
      paceWith(6, [[new Uint8Array(31), 1]]),
      paceWith(6, [...(pace[6] as unknown[])].reverse()),
      paceWith(6, [null]),
      paceWith(6, [[1]]),
      paceWith(7, new Array(9).fill(1)),
      paceWith(7, [1.5]),
      paceWith(7, null),
      paceWith(8, 65),
      paceWith(8, -1),
      paceWith(9, 3),
      paceWith(9, 65),
      paceWith(10, 1),
      // Not rows at all: a decoder that takes them apart would throw.
      { 5: [1] },
      { 5: [null] },
      { 5: [[(fields[5] as unknown[][])[0]![0], 2 ** 31 - 1]] },
      { 5: [fields[5]![0], fields[5]![0]] },
      { 6: [1] },
      { 6: fields[6]!.map((length) => (length as number) + 1) },
    ];
    for (const change of changes)
      assert.equal(decodeState(kinds, withFields(bytes, 0, change)), null, JSON.stringify(change));
    assert.equal(decodeState(kinds.slice(0, 1) as unknown as typeof kinds, bytes), null);
    assert.equal(decodeState(kinds, bytes.subarray(0, -8)), null);
    assert.equal(decodeState(kinds, new Uint8Array(3)), null);
  });

  test('is refused with a state of deltas in any other form', () => {
    const { delta } = context;
    const part = delta.encode(deltaStateOf(state));
    assert.deepEqual(delta.decodeState(part), deltaStateOf(state));
    const fields = dagCbor.decode(
      part.subarray(4, 4 + new DataView(part.buffer).getUint32(0)),
    ) as unknown[][];
    const changes: ReadonlyArray<Record<number, unknown>> = [
      { 0: [1] },
      { 0: [null] },
      { 1: [7] },
      { 1: 7 },
      { 1: [[]] },
      { 2: [null] },
      { 2: [[0, [[]]]] },
      // Rows that no replica wrote so.
      { 0: [...fields[0]!].reverse() },
      { 1: [...fields[1]!].reverse() },
      { 1: [fields[1]![0], fields[1]![0]] },
      { 0: [[0, 1, 0, 1]] },
      { 0: [[0, 1, 1, 1, 1]] },
      { 1: [[new Uint8Array(32), -1, 0]] },
    ];
    for (const change of changes)
      assert.equal(delta.decodeState(withFields(part, 0, change)), null, JSON.stringify(change));
    const unit = (value: number): Uint8Array => {
      const out = part.slice();
      new DataView(out.buffer).setFloat64(out.length - 8, value, true);
      return out;
    };
    for (const value of [0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, -0]) {
      assert.equal(delta.decodeState(unit(value)), null, `${value}`);
    }
    assert.ok(delta.decodeState(unit(2 ** 52)));
    assert.equal(delta.decodeState(part.subarray(0, -8)), null);
    assert.equal(delta.decodeState(new Uint8Array(3)), null);
  });

  test('random and mutated bytes never throw, and what decodes encodes to the same bytes', () => {
    const same = (mutated: Uint8Array): void => {
      const decoded = decodeState(kinds, mutated);
      if (decoded) assert.deepEqual(encodeState(kinds, decoded), mutated);
    };
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const mutated = bytes.slice();
        mutated[at] = value;
        same(mutated);
      }),
      { numRuns: 500 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (random) => same(random)));
  });
});

describe('the snapshot header', () => {
  const snapshot = makeSnapshot(crypto, kinds, state);
  const header = signSnapshotHeader(snapshot, run.runId, signerOf(4));

  test('opens as it was signed', () => {
    assert.deepEqual(openSnapshotHeader(header, run.runId, crypto), {
      donor: signerOf(4).key,
      round: 2,
      root: state.root,
      blobRoot: snapshot.blobRoot,
      bytes: bytes.length,
    });
  });

  test('is refused forged, by another key, of another run, or with any byte changed', () => {
    const [inner] = dagCbor.decode(header) as [Uint8Array, Uint8Array];
    assert.equal(openSnapshotHeader(header, 'other', crypto), null);
    assert.equal(
      openSnapshotHeader(dagCbor.encode([inner, signerOf(5).sign(inner)]), run.runId, crypto),
      null,
    );
    fc.assert(
      fc.property(fc.nat(header.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const mutated = header.slice();
        mutated[at]! ^= mask;
        assert.equal(openSnapshotHeader(mutated, run.runId, crypto), null);
      }),
      { numRuns: 200 },
    );
  });
});

describe('joining by snapshot', () => {
  interface Donor {
    readonly signer: Signer;
    readonly snapshots: readonly Snapshot[];
    readonly lies?: boolean;
  }
  const donorOf = (index: number, snapshots: readonly Snapshot[], lies = false): Donor => ({
    signer: signerOf(index),
    snapshots,
    lies,
  });
  const [older, newer] = [makeSnapshot(crypto, kinds, stateAfter(2)), makeSnapshot(crypto, kinds, state)];
  const newJoin = (): SnapshotJoin =>
    new SnapshotJoin({
      ...{ envelopes, kinds, bytesMax, entitlement, nowMs: () => 0, random: () => 0.5 },
      parts: new SnapshotParts(),
    });

  const entitlement = { weightOf: () => 1, weightInBoth: () => 1, known: () => new Set<string>() };

  const offerOf = (snapshot: Snapshot, signer: Signer, witnesses: readonly Uint8Array[] = []): Uint8Array =>
    encodeOffer(signSnapshotHeader(snapshot, run.runId, signer), witnesses);

  /** An entry without its body whose author stands where the snapshot is. */
  function witnessOf(snapshot: Snapshot, index: number, entryRound = snapshot.round + 1): Uint8Array {
    const { round, root, blobRoot } = snapshot;
    const anchor = { round, root, snapshot: blobRoot };
    const fields = { round: entryRound, kind: 0, index: 0, anchor, claims: [0, 1] };
    const entry = sealEnvelope(fields, Uint8Array.of(1), envelopes, signerOf(index));
    return encodeEnvelope({ ...entry, body: null });
  }

  /** Headers of all donors; says who was taken at their word. */
  function hear(join: SnapshotJoin, donors: readonly Donor[]): boolean[] {
    join.askHeaders(donors.map(({ signer }) => signer.key));
    return donors.map(({ signer, snapshots }) =>
      join.headers(
        signer.key,
        snapshots.map((snapshot) => offerOf(snapshot, signer)),
      ),
    );
  }

  function pull(join: SnapshotJoin, donors: readonly Donor[]): Map<string, number> {
    const gave = new Map<string, number>();
    for (let asks = join.asks([]); asks.length > 0; asks = join.asks([])) {
      for (const { meaning } of asks) {
        assert.ok(meaning.kind === 'snapshot-blob');
        const donor = donors.find(({ signer }) => signer.key === meaning.peer)!;
        const snapshot = donor.snapshots.find(
          ({ blobRoot }) => Buffer.from(blobRoot).toString('hex') === meaning.root,
        )!;
        const { part } = meaning;
        const frame =
          part.kind === 'segment' ? segmentOf(snapshot.blob, part.index) : encodeHashList(snapshot.leaves);
        const good = join.part(meaning, donor.lies ? Uint8Array.of(1) : frame);
        assert.equal(good, !donor.lies);
        if (good) gave.set(meaning.peer, (gave.get(meaning.peer) ?? 0) + 1);
      }
    }
    return gave;
  }

  test('takes the snapshot that most stand for, and two donors have', () => {
    const donors = [donorOf(1, [older, newer]), donorOf(2, [older]), donorOf(3, [older])];
    const join = newJoin();
    assert.deepEqual(hear(join, donors), [true, true, true]);
    assert.equal(join.choose(-1, false), true);
    pull(join, donors);
    const finished = join.finish()!;
    assert.equal(finished.state.round, 1);
    assert.equal(finished.donors, 3);
  });

  test('takes none that a single donor vouches for where more may come, nor one that is not news', () => {
    const join = newJoin();
    hear(join, [donorOf(1, [newer])]);
    assert.equal(join.choose(-1, false), false);
    assert.equal(join.choose(-1, true), true);
    const other = newJoin();
    hear(other, [donorOf(1, [newer]), donorOf(2, [newer])]);
    assert.equal(other.choose(2, true), false);
  });

  test('counts those whose signed entries name the snapshot, each once, by the newest', () => {
    const join = newJoin();
    join.askHeaders([1, 2, 3].map((index) => signerOf(index).key));
    const [one, two, three] = [signerOf(1), signerOf(2), signerOf(3)];
    const told = [4, 5].map((index) => witnessOf(older, index));
    assert.ok(join.headers(one.key, [offerOf(older, one, [...told, ...told])]));
    assert.ok(join.headers(two.key, [offerOf(newer, two, [witnessOf(newer, 5)])]));
    assert.ok(join.headers(three.key, [offerOf(newer, three)]));
    // Two donors against one donor and peer 4; peer 5 said both, and meant the one by its newer entry.
    assert.equal(join.witnesses.length, 5);
    assert.equal(join.choose(-1, true), true);
    pull(join, [donorOf(2, [newer]), donorOf(3, [newer]), donorOf(1, [older])]);
    assert.equal(join.finish()!.state.round, 2);
  });

  test('refuses an offer with witnesses that nobody signed, and hears none that stand for something else', () => {
    const signer = signerOf(1);
    const forged = witnessOf(older, 4);
    forged[forged.length - 2]! ^= 1;
    for (const witness of [forged, Uint8Array.of(1)]) {
      const join = newJoin();
      assert.equal(join.headers(signer.key, [offerOf(older, signer, [witness])]), false);
    }
    const join = newJoin();
    assert.equal(join.headers(signer.key, [offerOf(older, signer, [witnessOf(newer, 4)])]), true);
    assert.equal(join.witnesses.length, 0);
  });

  test('hears donors that answer one after the other, each by what it said last, and none that is gone', () => {
    const [one, two] = [signerOf(1), signerOf(2)];
    const join = newJoin();
    join.askHeaders([one.key, two.key]);
    assert.ok(join.headers(one.key, [offerOf(older, one)]));
    // The next tick asks again before the other has answered.
    join.askHeaders([one.key]);
    assert.ok(join.headers(two.key, [offerOf(newer, two)]));
    assert.equal(join.choose(-1, false), false, 'no two have the same');
    assert.ok(join.headers(one.key, [offerOf(newer, one)]));
    assert.equal(join.answered, 2);
    assert.equal(join.choose(-1, false), true);
    const other = newJoin();
    for (const signer of [one, two]) assert.ok(other.headers(signer.key, [offerOf(newer, signer)]));
    other.keep([two.key]);
    assert.equal(other.answered, 1);
    assert.equal(other.choose(-1, false), false);
  });

  test('takes of an author that said two things in one round the same, in whatever order it hears them', () => {
    const rounds = [1, 2].map((round) => {
      const join = newJoin();
      const two = [
        offerOf(older, signerOf(1), [witnessOf(older, 4, 5)]),
        offerOf(newer, signerOf(2), [witnessOf(newer, 4, 5)]),
      ];
      const heard = round === 1 ? [0, 1] : [1, 0];
      for (const index of heard) assert.ok(join.headers(signerOf(index + 1).key, [two[index]!]));
      assert.ok(join.choose(-1, true));
      pull(join, [donorOf(1, [older]), donorOf(2, [newer])]);
      return join.finish()!.state.round;
    });
    assert.deepEqual(rounds, [2, 2]);
  });

  test('completes from the honest donor where the other lies', () => {
    const donors = [donorOf(1, [newer], true), donorOf(2, [newer])];
    for (const list of [donors, [...donors].reverse()]) {
      const join = newJoin();
      hear(join, list);
      assert.ok(join.choose(-1, false));
      const gave = pull(join, list);
      assert.deepEqual(join.finish()?.state, state);
      assert.equal(gave.has(signerOf(1).key), false);
    }
  });

  test('does not choose again what no donor would give, unless it is offered again', () => {
    const donors = [donorOf(1, [newer], true), donorOf(2, [newer], true)];
    const join = newJoin();
    hear(join, donors);
    assert.ok(join.choose(-1, false));
    pull(join, donors);
    assert.equal(join.finish(), null);
    assert.equal(join.fetching, false);
    assert.equal(join.choose(-1, false), false);
    hear(join, donors);
    assert.equal(join.choose(-1, false), true);
  });

  test('refuses a state that is not what its header says, even of many donors', () => {
    const wrongRoot: Snapshot = { ...newer, root: crypto.sha256(Uint8Array.of(1)) };
    const wrongRound: Snapshot = { ...newer, round: 9 };
    for (const snapshot of [wrongRoot, wrongRound]) {
      const donors = [donorOf(1, [snapshot]), donorOf(2, [snapshot])];
      const join = newJoin();
      hear(join, donors);
      assert.ok(join.choose(-1, false));
      pull(join, donors);
      assert.equal(join.finish(), null);
      assert.equal(join.choose(-1, false), false, 'and does not fetch it again and again');
    }
  });

  test('refuses headers in another donor’s name, and takes none beyond the size of the model', () => {
    const join = newJoin();
    assert.equal(join.headers(signerOf(2).key, [offerOf(newer, signerOf(1))]), false);
    const huge = { ...newer, blob: { length: bytesMax + 1 } as Uint8Array };
    assert.equal(join.headers(signerOf(1).key, [offerOf(huge, signerOf(1))]), true);
    assert.equal(join.choose(-1, true), false);
  });
});
