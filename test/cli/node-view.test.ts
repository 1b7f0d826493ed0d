import assert from 'node:assert/strict';
import { test } from 'node:test';
import { summaryLines } from '../../src/cli/view/node-summary.ts';
import { renderNode } from '../../src/cli/view/node-view.ts';
import type { RunView } from '../../src/node/view/run-view.ts';
import { someView } from '../node/some-view.ts';

const view = someView({
  runId: 'bafyrun',
  phase: 'training',
  round: 41,
  roundsDone: 41,
  slotMs: 1000,
  loss: 0.2104,
  accuracy: 0.93118,
  accuracyRound: 40,
  peers: 1,
  members: { known: 3, here: 2, linked: ['bb'], present: ['bb'], missing: ['dd'], names: { bb: 'Ward 3' } },
  deltasPublished: 39,
  folded: { own: 34, others: 70 },
  restored: 1,
  skipped: { 'training took too long': 2 },
  bytesIn: 1_234_567,
  bytesOut: 998,
});
const drawn = (fields: Partial<RunView> = {}, columns = 100): string =>
  renderNode({ views: [{ ...view, ...fields }], atMs: 41_500 }, columns);

test('one node: how far it is, who is here and who is missing, what was published and what was not', () => {
  assert.equal(
    drawn(),
    `demo  bafyrun
████████████████░░░░░░░░░░░░░░░░░░░░░░░░ 41/100 about 1:05 min left
now       training, loss 0.210, accuracy 93.12 % in round 40
here      Ward 3 (1 connected)
missing   dd
deltas    39 published, 34 in the model, 1 left out by others, 2 rounds skipped (training took too long)
bytes     1.23 MB in, 998 B out`.replace('too long)', 'too\n          long)'),
  );
});

test('an accuracy stands beside what is right by always saying the most frequent class', () => {
  const figures = {
    majority: 0.92,
    auc: 0.4444,
    confusion: [
      [230, 0],
      [20, 0],
    ],
  };
  assert.match(drawn({ figures }), /, accuracy 93\.12 % \(majority 92\.00 %, AUC 0\.444\) in round 40\n/);
  const summary = summaryLines({ ...view, sinceRound: 0, figures }).join('\n');
  assert.match(summary, /accuracy {2}93\.12 % \(majority 92\.00 %, AUC 0\.444\) in round 40\n/);
  assert.match(summary, /\nconfusion \(rows: .*\n +0 +1\n +0 +230 +0\n +1 +20 +0\n/);
});

test('of a log that was kept no deltas, rounds to come or accuracy are told', () => {
  const kept = summaryLines({ ...view, sinceRound: 0, run: { ...view.run!, trains: false } }).join('\n');
  assert.match(kept, /^outcome {3}none yet: the log goes on without this node\nbytes /);
  assert.doesNotMatch(kept, /deltas|accuracy|rounds/);
});

test('of a node that was started again it is said what its counts are of', () => {
  assert.match(
    drawn({ isBack: true }),
    /deltas {4}39 published since it was started again, 34 in the model in all,/,
  );
});

test('before the start it counts down, in the end it says what came of it', () => {
  const waiting = renderNode({ views: [{ ...view, phase: 'waiting', roundsDone: 0 }], atMs: -7200 }, 100);
  assert.match(waiting, /░ 0\/100 first round in 8 s\n/);
  const text = 'alone: no peer was ever connected: do this';
  const end = drawn({ phase: 'finished', outcome: 'alone', outcomeText: text });
  assert.match(end, /100 alone\nnow {7}alone, [\s\S]*\nalone: no peer was ever connected: do this$/);
  const notices = [{ id: 'alone', text: 'alone: nobody: look' }];
  assert.match(drawn({ notices }), /\nalone: nobody: look$/);
});

test('a file of the run that comes from peers: how much is here, and how long it takes yet', () => {
  const pull = { name: 'base', bytes: 145_000_000, heldBytes: 34_500_000, leftMs: 130_000 };
  const preparing = { ...view, state: 'preparing', pull } as const;
  assert.equal(
    renderNode({ views: [preparing], atMs: 0 }, 80),
    'demo  bafyrun\nfile base, 34.5 MB of 145 MB, about 2:10 min left',
  );
});

test('runs that are looked for, prepared or over, one below the other, within the width', () => {
  const searching = { ...view, run: null, state: 'searching' } as const;
  const views = [searching, { ...view, state: 'ended', failure: 'the disk is full' } as const];
  assert.equal(
    renderNode({ views, atMs: 0 }, 100),
    'bafyrun\nasking peers for the manifest\n\ndemo  bafyrun\nended: the disk is full',
  );
  assert.equal(renderNode({ views: [], atMs: 0 }, 100), 'no runs');
  const words = (columns: number): string => drawn({ notices }, columns).replaceAll(/\s+/g, '');
  const notices = [{ id: 'alone', text: 'alone: the run is under way and no peer was ever connected: look' }];
  for (const columns of [28, 40, 60, 80]) {
    assert.equal(
      words(columns).replaceAll(/[█░]/g, ''),
      words(200).replaceAll(/[█░]/g, ''),
      'nothing is cut',
    );
  }
  for (let columns = 28; columns < 120; columns++) {
    for (const line of drawn({}, columns).split('\n')) assert.ok(line.length <= columns, line);
  }
});

test('what was measured after the end is of the last round, however many more went by', () => {
  const ended = { phase: 'finished', accuracyRound: 1488, finalisedRound: 1488 } as const;
  assert.match(drawn(ended), /accuracy 93\.12 % in round 99\n/);
  const lines = summaryLines({ ...view, ...ended, sinceRound: 0 });
  assert.ok(
    lines.some((line) => /^accuracy .* in round 99$/.test(line)),
    lines.join('\n'),
  );
});
