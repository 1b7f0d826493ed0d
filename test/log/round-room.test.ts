/** What a round may hold of each kind, where a run has many. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowsPerRoundMax } from '../../src/log/wire.ts';
import { contextWith, deltaLogSpec, smallRun } from './small-run.ts';

const entriesOf = (changes: Record<string, unknown>): readonly number[] =>
  contextWith(smallRun(), deltaLogSpec(changes)).kinds.map(({ entriesPerRoundMax }) => entriesPerRoundMax);

test('audits and judging go together in a run with notes: deltas give way, and all committees still fit', () => {
  for (const judging of [{ id: 'votes' }, { id: 'scores' }]) {
    const entries = entriesOf({ audits: {}, judging });
    assert.equal(
      entries.reduce((sum, max) => sum + max, 0),
      rowsPerRoundMax,
    );
    assert.ok(entries[0]! >= 256, `room for ${entries[0]} deltas`);
  }
});

test('deltas have their whole room where little is beside them', () => {
  for (const changes of [{}, { judging: { id: 'votes' } }, { audits: {} }])
    assert.equal(entriesOf(changes)[0], 512);
});
