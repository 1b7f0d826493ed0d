/** Deltas that stand for what authors that are away would have published. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DeltaContent, DeltaState, LastDelta } from '../../src/entries/delta/delta-state.ts';
import type { LogEntry } from '../../src/log/entry-kind.ts';
import { contextWith, deltaLogSpec, messageOf, signerOf, smallRun } from '../log/small-run.ts';
import { plainRound } from './plain-round.ts';

const signers = [0, 1, 2, 3].map(signerOf);
const members = signers.map(({ key }) => key);
const run = smallRun({ inputs: 31, rounds: 1000, membership: { kind: 'allow-list', members } });
const size = run.initial.length;
const contextOf = (changes: Record<string, unknown>) =>
  contextWith(
    run,
    deltaLogSpec({ normMax: 1e9, overlap: 'mean', outerRate: 1, ...changes }),
    new Float32Array(size),
  );

/** One value from a place of each peer's own on. */
const step = (peer: number, value = 1): Float32Array =>
  new Float32Array(size).map((_, i) => (i >= 8 * peer && i < 8 * (peer + 1) ? value : 0));

/** A model that only the fold moves, and who published in each round. */
function lived(
  rounds: readonly (readonly number[])[],
  changes: Record<string, unknown> = { repeatRounds: 2 },
  more: (round: number) => Partial<typeof plainRound> = () => ({}),
) {
  const context = contextOf(changes);
  const { delta } = context;
  const state = delta.initial() as DeltaState;
  for (const [round, peers] of rounds.entries()) {
    const entries: readonly LogEntry<DeltaContent>[] = peers.map((peer) =>
      messageOf(context, signers[peer]!, round, step(peer)),
    );
    delta.reduce(state, { ...plainRound, round, entries, ...more(round) });
  }
  const model = delta.parameters(state);
  return { state, delta, moved: signers.map((_, peer) => 0 - model[8 * peer]!) };
}

describe('the last delta of an author that is away', () => {
  test('moves the model as if it had been published again, for so many rounds', () => {
    const { moved } = lived([
      [0, 1, 2],
      [0, 1],
      [0, 1],
      [0, 1],
      [0, 1],
    ]);
    assert.deepEqual(moved.slice(0, 3), [5, 5, 3]);
    assert.deepEqual(
      lived(
        [
          [0, 1, 2],
          [0, 1],
          [0, 1],
        ],
        {},
      ).moved.slice(0, 3),
      [3, 3, 1],
    );
  });

  test('is the newest one, and none where its author is back', () => {
    assert.deepEqual(
      lived([
        [0, 1, 2],
        [0, 1],
        [0, 1, 2],
        [0, 1],
      ]).moved.slice(0, 3),
      [4, 4, 4],
    );
  });

  test('stands in no greater number than there are fresh ones, youngest first', () => {
    const { moved } = lived([[1], [0, 2, 3], [0]]);
    assert.deepEqual([moved[0], moved[1], moved[2]! + moved[3]!], [2, 2, 3]);
    assert.deepEqual(lived([[0, 1], [], [0]]).moved.slice(0, 2), [2, 2]);
  });

  test('is not that of one who is silenced or convicted', () => {
    const rounds = [
      [0, 1, 2],
      [0, 1],
    ];
    const silencedLater = (round: number) => ({
      isSilenced: (key: string) => round > 0 && key === members[2],
    });
    assert.equal(lived(rounds, { repeatRounds: 2 }, silencedLater).moved[2], 1);
    const banned = new Map([[members[2]!, 0]]);
    const bannedLater = (round: number) => (round > 0 ? { banned } : {});
    assert.equal(lived(rounds, { repeatRounds: 2 }, bannedLater).moved[2], 1);
    assert.equal(lived(rounds).moved[2], 2);
  });

  test('costs its author nothing and earns it nothing: contributions count what was published', () => {
    const { state } = lived([
      [0, 1, 2],
      [0, 1],
      [0, 1],
    ]);
    assert.equal(state.contributions.get(signers[2]!.key)?.deltas, 1);
  });

  test('waits with the rest of its round where deltas are judged, and moves the model that peers train on at once', () => {
    const rounds = [
      [0, 1, 2],
      [0, 1],
      [0, 1],
    ] as const;
    const { moved, state } = lived(rounds, { repeatRounds: 2, judgingRounds: 2 });
    assert.deepEqual(moved.slice(0, 3), [3, 3, 3]);
    assert.equal(state.pending.size, 2);
  });

  test('is part of the state that newcomers get: the same bytes, and the same rounds after it', () => {
    const { state, delta } = lived([
      [0, 1, 2],
      [0, 1],
    ]);
    const bytes = delta.encode(state);
    const read = delta.decodeState(bytes) as DeltaState;
    assert.deepEqual([...read.last.keys()].sort(), [...state.last.keys()].sort());
    assert.deepEqual(delta.encode(read), bytes);
    const context = contextOf({ repeatRounds: 2 });
    for (const each of [state, read]) {
      const entries = [messageOf(context, signers[0]!, 2, step(0))];
      delta.reduce(each, { ...plainRound, round: 2, entries });
    }
    assert.deepEqual(delta.encode(read), delta.encode(state));
    assert.ok(lived([[0, 1, 2]], {}).state.last.size === 0);
  });

  test('is refused in a state where no replica could have it: of a later round or a forgotten one, with more than any weight, in a run without', () => {
    const changes = { repeatRounds: 2, outerRate: null };
    const { state, delta } = lived(
      [
        [0, 1, 2],
        [0, 1],
        [0, 1],
      ],
      changes,
    );
    const [author, last] = [...state.last][0]!;
    const withLast = (change: Partial<LastDelta>): Uint8Array =>
      delta.encode({ ...state, last: new Map(state.last).set(author, { ...last, ...change }) });
    assert.notEqual(delta.decodeState(withLast({})), null);
    for (const change of [
      { round: 3 },
      { round: 2 ** 31 - 1 },
      { round: 0 },
      { weight: 1e300 },
      { weight: 1.01 },
    ])
      assert.equal(delta.decodeState(withLast(change)), null, JSON.stringify(change));
    assert.equal(contextOf({}).delta.decodeState(withLast({})), null);
  });
});
