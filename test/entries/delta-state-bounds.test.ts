/** States of deltas that ask for more folding than any replica leaves to whoever reads them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DeltaState, HeardRound, PendingDelta } from '../../src/entries/delta/delta-state.ts';
import { contextWith, deltaLogSpec, messageOf, signerOf, smallRun } from '../log/small-run.ts';
import { plainRound } from './plain-round.ts';

const run = smallRun({ inputs: 31 });
const size = run.initial.length;
const signer = signerOf(0);
const contextOf = (changes: Record<string, unknown>) =>
  contextWith(run, deltaLogSpec(changes), new Float32Array(size));

/** A state after some rounds, and the last delta in it. */
function lived(changes: Record<string, unknown>, rounds: number) {
  const { delta } = contextOf(changes);
  // What audited deltas claim besides is in no state.
  const context = contextOf({});
  const state = delta.initial() as DeltaState;
  for (let round = 0; round < rounds; round++) {
    const entries = [messageOf(context, signer, round, new Float32Array(size).fill(1))];
    delta.reduce(state, { ...plainRound, round, entries });
  }
  return { state, delta };
}

describe('a state of deltas', () => {
  test('with as many rounds in its past as a replica keeps is read, with one more it is not', () => {
    const undo = 3;
    const { state, delta } = lived({ audits: { rate: 0.1, undo } }, 2 * undo - 1);
    const past = state.past!;
    assert.equal(past.since.length, 2 * undo - 1);
    assert.notEqual(delta.decodeState(delta.encode(state)), null);
    const since = [...past.since, { ...past.since.at(-1)!, round: past.since.at(-1)!.round + 1 }];
    assert.ok(delta.decodeState(delta.encode({ ...state, past: { ...past, since } })) === null);
  });

  test('with more bytes of deltas in its past than a replica keeps is not read', () => {
    const { state, delta } = lived({ audits: { rate: 0.1, undo: 256 } }, 1);
    const past = state.past!;
    const [heard] = past.since as [HeardRound];
    const [one] = heard.deltas as [PendingDelta];
    const bytes = one.body.length + 64;
    const of = (deltas: number): DeltaState => ({
      ...state,
      past: { ...past, since: [{ ...heard, deltas: new Array<PendingDelta>(deltas).fill(one) }] },
    });
    assert.notEqual(delta.decodeState(delta.encode(of(100))), null);
    assert.ok(delta.decodeState(delta.encode(of(1 + Math.floor((8 << 20) / bytes)))) === null);
  });

  test('with more rounds that wait to be judged than are waited for is not read', () => {
    const judgingRounds = 3;
    const { state, delta } = lived({ judgingRounds }, 6);
    assert.equal(state.pending.size, judgingRounds);
    assert.notEqual(delta.decodeState(delta.encode(state)), null);
    const pending = new Map(state.pending).set(100, state.pending.get(5)!);
    assert.ok(delta.decodeState(delta.encode({ ...state, pending })) === null);
  });
});
