/** Keys cost nothing: what a state holds of each of them stays within what a snapshot has room for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forgetLeast } from '../../src/entries/delta/delta-state.ts';
import type { Place } from '../../src/log/log-book.ts';
import { foldRound, initialState } from '../../src/log/log-state.ts';
import { decodeState, encodeState } from '../../src/log/snapshot.ts';
import {
  contextOf,
  crypto,
  deltaStateOf,
  messageOf,
  signerOf,
  smallRun,
  smallVector,
} from '../log/small-run.ts';

const run = smallRun();
const context = contextOf(run);
const keyOf = (index: number): string => index.toString(16).padStart(64, '0');

test('of more than 65,536 contributors those that gave least are forgotten, by everybody alike', () => {
  const contributions = new Map(
    Array.from({ length: 65_537 }, (_, index) => [keyOf(index), { deltas: 1 + (index % 3), energy: 1 }]),
  );
  const backwards = new Map([...contributions].reverse());
  for (const one of [contributions, backwards]) forgetLeast(one);
  assert.equal(contributions.size, 61_440);
  assert.deepEqual([...contributions.keys()].sort(), [...backwards.keys()].sort());
  assert.ok([...contributions.values()].filter(({ deltas }) => deltas === 3).length === 21_845);
  forgetLeast(contributions);
  assert.equal(contributions.size, 61_440);
});

test('a state after 370,000 authors and as many equivocators comes back from its snapshot', () => {
  const { kinds, frame } = context;
  const state = initialState(kinds, frame);
  const { contributions } = deltaStateOf(state);
  for (let index = 0; index < 370_000; index++) {
    contributions.set(keyOf(index), { deltas: 1, energy: 0.125 });
    if (index < 65_536) state.banned.set(keyOf(index), 0);
  }
  const entry = messageOf(context, signerOf(1), 0, smallVector(run.initial.length, 'delta'));
  const places: Place[] = [
    { key: 'a', author: entry.author, held: { kind: 'entry', entry } },
    { key: 'b', author: keyOf(1 << 20), held: { kind: 'equivocation', entries: [entry, entry] } },
  ];
  foldRound(state, places, new Uint8Array(32), { kinds, frame, crypto });
  assert.ok(!state.banned.has(keyOf(1 << 20)));
  assert.ok(decodeState(kinds, encodeState(kinds, state)), 'its own node cannot read it');
});
