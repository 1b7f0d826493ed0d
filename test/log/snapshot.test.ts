import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as dagCbor from '@ipld/dag-cbor';
import fc from 'fast-check';
import { segmentOf } from '../../src/content/blob.ts';
import type { Signer } from '../../src/core/crypto.ts';
import { type FoldState, foldRound, initialState } from '../../src/log/fold.ts';
import { SnapshotJoin } from '../../src/log/join/snapshot-join.ts';
import { LogBook } from '../../src/log/log-book.ts';
import {
  decodeState,
  encodeState,
  makeSnapshot,
  openSnapshotHeader,
  type Snapshot,
  signSnapshotHeader,
  snapshotBytesMax,
} from '../../src/log/snapshot.ts';
import { encodeHashList } from '../../src/log/wire.ts';
import { contextOf, crypto, messageOf, signerOf, smallRun, smallVector } from './small-run.ts';

const run = smallRun({ inputs: 31 });
const size = run.initial.length;
const context = contextOf(run);

/** A state after some rounds, with an equivocator in it. */
function stateAfter(rounds: number): FoldState {
  const log = new LogBook(crypto);
  for (let round = 0; round < rounds; round++) {
    for (let author = 0; author < 3; author++) {
      log.insert(messageOf(context, signerOf(author), round, smallVector(size, `s/${round}/${author}`)));
    }
  }
  log.insert(messageOf(context, signerOf(1), 0, smallVector(size, 'rival')));
  const state = initialState(run.initial, crypto.sha256());
  for (let round = 0; round < rounds; round++) foldRound(state, log.slots(round), log.digest(round), context);
  return state;
}

const state = stateAfter(3);
const bytes = encodeState(state);

describe('the folded state as bytes', () => {
  test('comes back as it was', () => {
    assert.deepEqual(decodeState(bytes, size), state);
    assert.equal(state.banned.size, 1);
    assert.equal(state.weight, 6);
    assert.ok(bytes.length <= snapshotBytesMax(size));
  });

  test('does not depend on the order in which authors came', () => {
    const turned: FoldState = {
      ...state,
      contributions: new Map([...state.contributions].reverse()),
      statistics: new Map([...state.statistics].reverse()),
    };
    assert.deepEqual(encodeState(turned), bytes);
  });

  test('is refused in any other form', () => {
    const metadataBytes = new DataView(bytes.buffer).getUint32(0);
    const fields = dagCbor.decode(bytes.subarray(4, 4 + metadataBytes)) as unknown[][];
    const withFields = (change: Record<number, unknown>): Uint8Array => {
      const changed: unknown[] = [...fields];
      for (const [at, value] of Object.entries(change)) changed[Number(at)] = value;
      const metadata = dagCbor.encode(changed);
      const out = new Uint8Array(4 + metadata.length + 8 * size);
      new DataView(out.buffer).setUint32(0, metadata.length);
      out.set(metadata, 4);
      out.set(bytes.subarray(4 + metadataBytes), 4 + metadata.length);
      return out;
    };
    assert.deepEqual(withFields({}), bytes);
    const changes: ReadonlyArray<Record<number, unknown>> = [
      { 0: 2 },
      { 1: -2 },
      { 2: new Uint8Array(31) },
      { 3: size + 1 },
      // Not rows at all: a decoder that takes them apart would throw.
      { 4: [1] },
      { 4: [null] },
      { 5: [7] },
      { 5: 7 },
      { 6: [[]] },
      { 6: [null] },
      // Rows that no replica wrote so.
      { 4: [...fields[4]!].reverse() },
      { 6: [...fields[6]!].reverse() },
      { 6: [fields[6]![0], fields[6]![0]] },
      { 4: [[0, 1, 0, 1]] },
      { 4: [[0, 1, 1, 1, 1]] },
      { 6: [[new Uint8Array(32), -1, 0]] },
    ];
    for (const change of changes)
      assert.equal(decodeState(withFields(change), size), null, JSON.stringify(change));
    const unit = (value: number): Uint8Array => {
      const out = bytes.slice();
      new DataView(out.buffer).setFloat64(out.length - 8, value, true);
      return out;
    };
    for (const value of [0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, -0]) {
      assert.equal(decodeState(unit(value), size), null, `${value}`);
    }
    assert.ok(decodeState(unit(2 ** 52), size));
    assert.equal(decodeState(bytes, size - 1), null);
    assert.equal(decodeState(bytes.subarray(0, -8), size), null);
    assert.equal(decodeState(new Uint8Array(3), size), null);
  });

  test('random and mutated bytes never throw, and what decodes encodes to the same bytes', () => {
    const same = (mutated: Uint8Array): void => {
      const decoded = decodeState(mutated, size);
      if (decoded) assert.deepEqual(encodeState(decoded), mutated);
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
  const snapshot = makeSnapshot(crypto, state);
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
  const [older, newer] = [makeSnapshot(crypto, stateAfter(2)), makeSnapshot(crypto, state)];
  const newJoin = (): SnapshotJoin => new SnapshotJoin({ crypto, runId: run.runId, size });

  /** Headers of all donors; says who was taken at their word. */
  function hear(join: SnapshotJoin, donors: readonly Donor[]): boolean[] {
    join.askHeaders(donors.map(({ signer }) => signer.key));
    return donors.map(({ signer, snapshots }) =>
      join.headers(
        signer.key,
        snapshots.map((snapshot) => signSnapshotHeader(snapshot, run.runId, signer)),
      ),
    );
  }

  function pull(join: SnapshotJoin, donors: readonly Donor[]): Map<string, number> {
    const gave = new Map<string, number>();
    for (let asks = join.asks(); asks.length > 0; asks = join.asks()) {
      for (const { meaning } of asks) {
        assert.ok(meaning.kind === 'snapshot-blob');
        const donor = donors.find(({ signer }) => signer.key === meaning.peer)!;
        const snapshot = donor.snapshots.find(
          ({ blobRoot }) => Buffer.from(blobRoot).toString('hex') === meaning.root,
        )!;
        const { part } = meaning;
        const frame =
          part.kind === 'leaves' ? encodeHashList(snapshot.leaves) : segmentOf(snapshot.blob, part.index);
        const good = join.part(meaning, donor.lies ? Uint8Array.of(1) : frame);
        assert.equal(good, !donor.lies);
        if (good) gave.set(meaning.peer, (gave.get(meaning.peer) ?? 0) + 1);
      }
    }
    return gave;
  }

  test('takes the newest snapshot that two donors vouch for', () => {
    const donors = [donorOf(1, [older, newer]), donorOf(2, [older])];
    const join = newJoin();
    assert.deepEqual(hear(join, donors), [true, true]);
    assert.equal(join.choose(-1, 2), true);
    pull(join, donors);
    const finished = join.finish()!;
    assert.equal(finished.state.round, 1);
    assert.equal(finished.donors, 2);
  });

  test('takes none that a single donor vouches for where more are there, nor one that is not news', () => {
    const join = newJoin();
    hear(join, [donorOf(1, [newer])]);
    assert.equal(join.choose(-1, 2), false);
    assert.equal(join.choose(-1, 1), true);
    const other = newJoin();
    hear(other, [donorOf(1, [newer]), donorOf(2, [newer])]);
    assert.equal(other.choose(2, 2), false);
  });

  test('completes from the honest donor where the other lies', () => {
    const donors = [donorOf(1, [newer], true), donorOf(2, [newer])];
    for (const list of [donors, [...donors].reverse()]) {
      const join = newJoin();
      hear(join, list);
      assert.ok(join.choose(-1, 2));
      const gave = pull(join, list);
      assert.deepEqual(join.finish()?.state, state);
      assert.equal(gave.has(signerOf(1).key), false);
    }
  });

  test('does not choose again what no donor would give, unless it is offered again', () => {
    const donors = [donorOf(1, [newer], true), donorOf(2, [newer], true)];
    const join = newJoin();
    hear(join, donors);
    assert.ok(join.choose(-1, 2));
    pull(join, donors);
    assert.equal(join.finish(), null);
    assert.equal(join.fetching, false);
    assert.equal(join.choose(-1, 2), false);
    hear(join, donors);
    assert.equal(join.choose(-1, 2), true);
  });

  test('refuses a state that is not what its header says, even of many donors', () => {
    const wrongRoot: Snapshot = { ...newer, root: crypto.sha256(Uint8Array.of(1)) };
    const wrongRound: Snapshot = { ...newer, round: 9 };
    for (const snapshot of [wrongRoot, wrongRound]) {
      const donors = [donorOf(1, [snapshot]), donorOf(2, [snapshot])];
      const join = newJoin();
      hear(join, donors);
      assert.ok(join.choose(-1, 2));
      pull(join, donors);
      assert.equal(join.finish(), null);
      assert.equal(join.choose(-1, 2), false, 'and does not fetch it again and again');
    }
  });

  test('refuses headers in another donor’s name or beyond the size of the model', () => {
    const join = newJoin();
    assert.equal(join.headers(signerOf(2).key, [signSnapshotHeader(newer, run.runId, signerOf(1))]), false);
    const huge = { ...newer, blob: { length: snapshotBytesMax(size) + 1 } as Uint8Array };
    assert.equal(join.headers(signerOf(1).key, [signSnapshotHeader(huge, run.runId, signerOf(1))]), false);
    assert.equal(join.choose(-1, 1), false);
  });
});
