import assert from 'node:assert/strict';
import { test } from 'node:test';
import { summaryLines } from '../../src/cli/view/archive-lines.ts';

test('of an archive: what trains has rounds to come and a model, a log has neither', () => {
  const summary = {
    ...{ runId: 'bafyrun', name: 'demo', fromRound: 0, round: 9, entries: 3 },
    ...{ authors: [], countedRounds: 2, root: 'aa', modelHash: 'bb' },
  };
  const trained = summaryLines({ ...summary, rounds: 6, trains: true });
  assert.ok(trained.includes('rounds    2 of 6 counted') && trained.includes('model     bb'));
  const log = summaryLines({ ...summary, rounds: 2147483647, trains: false });
  assert.ok(log.includes('rounds    2 counted') && log.includes('state     bb'));
});
