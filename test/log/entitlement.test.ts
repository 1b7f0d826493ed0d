import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { closedEntitlement, type Entitlement, openEntitlement } from '../../src/log/entitlement.ts';
import { initialState, type LogState } from '../../src/log/log-state.ts';
import { contextOf, smallRun } from './small-run.ts';

const { kinds, frame } = contextOf(smallRun({}));
const keys = ['a', 'b', 'c', 'd'];

/** Work by key, and those banned. */
const historyOf = fc.record({
  deltas: fc.dictionary(fc.constantFrom(...keys), fc.integer({ min: 0, max: 20 })),
  banned: fc.subarray(keys),
});
type Drawn = typeof historyOf extends fc.Arbitrary<infer Value> ? Value : never;

function openOf(histories: readonly Drawn[]): {
  states: LogState[];
  by: (ours: LogState, trusted?: readonly string[]) => Entitlement;
} {
  const work = new Map<LogState, ReadonlyMap<string, { deltas: number }>>();
  const states = histories.map(({ deltas, banned }) => {
    const state = initialState(kinds, frame);
    for (const key of banned) state.banned.set(key, 0);
    work.set(state, new Map(Object.entries(deltas).map(([key, count]) => [key, { deltas: count }])));
    return state;
  });
  const by = (ours: LogState, trusted: readonly string[] = []): Entitlement =>
    openEntitlement(
      () => ours,
      (state) => work.get(state as LogState)!,
      new Set(trusted),
      () => true,
    );
  return { states, by };
}

test('between two histories a key weighs the same at who stands in the one and at who stands in the other', () => {
  fc.assert(
    fc.property(historyOf, historyOf, fc.constantFrom(...keys), (one, other, key) => {
      const { states, by } = openOf([one, other]);
      const [first, second] = states as [LogState, LogState];
      const weight = by(first).weightInBoth(key, second);
      assert.equal(weight, by(second).weightInBoth(key, first));
      assert.equal(weight, Math.min(by(first).weightOf(key), by(second).weightOf(key)));
    }),
  );
});

test('a history cannot give a key a say that it has not earned in ours, nor take that of a member', () => {
  const stranger = { deltas: {}, banned: [] };
  const forged = { deltas: { a: 1000 }, banned: ['b'] };
  const { states, by } = openOf([stranger, forged]);
  const [ours, theirs] = states as [LogState, LogState];
  assert.equal(by(ours).weightInBoth('a', theirs), 1 / 16);
  assert.equal(closedEntitlement(['b']).weightInBoth('b', theirs), 1);
});

test('who was named to a newcomer counts in full until it holds a state, and never between two histories', () => {
  const { states, by } = openOf([
    { deltas: {}, banned: [] },
    { deltas: {}, banned: [] },
  ]);
  const [ours, theirs] = states as [LogState, LogState];
  const entitlement = by(ours, ['a']);
  assert.deepEqual([entitlement.weightOf('a'), entitlement.weightOf('b')], [1, 1 / 16]);
  assert.equal(entitlement.weightInBoth('a', theirs), 1 / 16);
  ours.round = 5;
  assert.equal(entitlement.weightOf('a'), 1 / 16);
});
