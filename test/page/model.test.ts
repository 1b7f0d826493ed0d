/** What the page makes of what it is told. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Hello, LiveNode } from '../../src/api/live.ts';
import { readInvitation } from '../../src/node/invitation.ts';
import type { HistoryData } from '../../src/node/view/run-history.ts';
import type { RunView } from '../../src/node/view/run-view.ts';
import { bytesText, durationText } from '../../src/page/figures.ts';
import {
  adviceOf,
  closedRounds,
  columnsOf,
  flockOf,
  invitationOf,
  measuresOf,
  namedText,
  rowsOf,
  runsOf,
  sharesOf,
  stateOf,
} from '../../src/page/model.ts';
import { someView } from '../node/some-view.ts';

const none = { known: null, here: 1, linked: [], present: [], missing: [], names: {} };
const nothing: HistoryData = { stride: 1, points: [], heads: [], weighed: [] };

function node(name: string, key: string, view: Partial<RunView> = {}, history = nothing): LiveNode {
  const runs = [{ view: someView({ peerKey: key, ...view }), history }];
  return { id: name, name, peerKey: key, isUp: true, settings: null, runs };
}

const hello = (...nodes: LiveNode[]): Hello => ({ nodes, events: [] });

describe('the page', () => {
  test('invites to a run by what `starlings join` takes, where somebody is there to be dialled', () => {
    const runId = 'bafyreigd7ikji2uqsyevqb433sfan3wdbls4mn2a53aopnvhtvnmzltpse';
    const there = '/dns4/node.example.org/tcp/4001/p2p/12D3';
    const settings = { addresses: [there] } as unknown as LiveNode['settings'];
    const invited = invitationOf(
      hello({ ...node('one', 'aa', { runId, phase: 'training' }), settings }),
      runId,
    );
    assert.deepEqual(readInvitation(invited!.text).addresses, [there]);
    const down = { ...node('one', 'aa', { runId }), settings, isUp: false };
    assert.equal(invitationOf(hello(down), runId), null);
    assert.equal(invitationOf(hello(node('one', 'aa', { runId })), runId), null);
    assert.equal(invitationOf(hello(down), null), null);
  });

  test('calls a log that goes on open, and says what came of a run', () => {
    const run = { ...someView().run!, trains: false };
    assert.equal(stateOf(someView({ run, phase: 'training' })), 'open');
    assert.equal(stateOf(someView({ run, phase: 'joining' })), 'joining');
    assert.equal(stateOf(someView({ phase: 'training' })), 'training');
    assert.equal(stateOf(someView({ phase: 'finished', outcome: 'late' })), 'late');
    assert.equal(stateOf(someView({ state: 'paused' })), 'paused');
  });

  test('draws each link once, and peers that do not tell of themselves beside those that do', () => {
    const told = hello(
      node('one', 'aa', {
        members: { ...none, linked: ['bb', 'cc'], missing: ['dd'], names: { cc: 'Ward 3' } },
      }),
      node('two', 'bb', { members: { ...none, linked: ['aa'] } }),
    );
    const { birds, links } = flockOf(told, 'run');
    assert.deepEqual(
      birds.map(({ key, name, kind, isUp }) => [key, name, kind, isUp]),
      [
        ['aa', 'one', 'watched', true],
        ['bb', 'two', 'watched', true],
        ['cc', 'Ward 3', 'heard', true],
        ['dd', 'dd', 'missing', false],
      ],
    );
    assert.deepEqual(links, [
      ['aa', 'bb'],
      ['aa', 'cc'],
    ]);
    const [up, down] = told.nodes;
    const after = flockOf(hello({ ...up!, isUp: false }, { ...down!, isUp: false }), 'run');
    assert.deepEqual(after.links, [], 'who is down holds no link');
  });

  test('shows where histories differ, the one that most hold first', () => {
    const head = (root: string) => ({ ...nothing, heads: [{ round: 7, root, entries: 3 }] });
    const told = hello(
      node('one', 'aa', {}, head('x')),
      node('two', 'bb', {}, head('y')),
      node('three', 'cc', {}, head('y')),
    );
    const [round] = closedRounds(told, 'run', 5);
    assert.deepEqual(
      round!.roots.map(({ root, nodes }) => [root, nodes]),
      [
        ['y', ['two', 'three']],
        ['x', ['one']],
      ],
    );
  });

  test('says what goes wrong once, for all nodes of which it is true', () => {
    const notices = [{ id: 'alone', text: 'alone: do something' }];
    const told = hello(
      node('one', 'aa', { notices }),
      node('two', 'bb', { notices, outcome: 'trained', outcomeText: 'trained: all is well' }),
    );
    assert.deepEqual(adviceOf(told, 'run'), [
      { text: 'alone: do something', tone: 'trouble', nodes: ['one', 'two'] },
      { text: 'trained: all is well', tone: 'good', nodes: ['two'] },
    ]);
  });

  test('says whom the log has found out, by the names of nodes, and no notes of members', () => {
    const verdict = { kind: 'audit', round: 7, author: 'bb', text: 'its deltas carry no weight' };
    const note = { kind: 'note', round: 8, author: 'aa', text: 'good morning' };
    const shown = [{ ...verdict, isVerdict: true as const }, note];
    const told = hello(node('one', 'aa', { shown }), node('two', 'bb', { shown }));
    assert.deepEqual(adviceOf(told, 'run'), [
      { text: 'two: its deltas carry no weight', tone: 'trouble', nodes: ['one', 'two'] },
    ]);
  });

  test('draws what tasks measure, the first of them first', () => {
    const at = (round: number, measures: Record<string, number> | null) => ({
      ...{ accuracy: null, heldOutLoss: null, bytesIn: null, bytesOut: null, lag: null, behind: null },
      ...{ round, loss: null, measures },
    });
    const rows = [
      { points: [at(0, { rmse: 3, mae: 2 }), at(1, null)] },
      { points: [at(0, null)] },
      { points: [at(2, { rmse: 1, mae: 1, R2: 0.5, a: 1, b: 2 })] },
    ];
    assert.deepEqual(measuresOf(rows), ['rmse', 'mae', 'R2', 'a']);
  });

  test('has a column for each node, with gaps where it knows nothing', () => {
    const empty = {
      accuracy: null,
      heldOutLoss: null,
      bytesIn: null,
      bytesOut: null,
      lag: null,
      behind: null,
      measures: null,
    };
    const points = (...rounds: number[]) => ({
      ...nothing,
      points: rounds.map((round) => ({ ...empty, round, loss: round / 10 })),
    });
    const told = hello(node('one', 'aa', {}, points(1, 3)), node('two', 'bb', {}, points(2, 3)));
    assert.deepEqual(
      columnsOf(rowsOf(told, 'run'), ({ loss }) => loss),
      {
        rounds: [1, 2, 3],
        columns: [
          [0.1, null, 0.3],
          [null, 0.2, 0.3],
        ],
      },
    );
    assert.deepEqual(
      rowsOf(told, 'other').map(({ view }) => view),
      [null, null],
    );
    assert.deepEqual(runsOf(told), [{ runId: 'run', name: 'demo' }]);
  });

  test('goes by the node that is furthest for who contributed', () => {
    const contributions = [
      { peer: 'aa', deltas: 1, share: 0.25 },
      { peer: 'bb', deltas: 2, share: 0.75 },
    ];
    const told = hello(node('one', 'aa'), node('two', 'bb', { finalisedRound: 3, contributions }));
    assert.deepEqual(
      sharesOf(told, 'run').map(({ name, share }) => [name, share]),
      [
        ['two', 0.75],
        ['one', 0.25],
      ],
    );
  });

  test('calls peers in what is told by the names that it knows', () => {
    const names = new Map([
      ['ab'.repeat(32), 'Ward 3'],
      ['node-0', 'node-0'],
    ]);
    assert.equal(namedText('lost abababab and cdcdcdcd', names), 'lost Ward 3 and cdcdcdcd');
  });

  test('writes figures with two digits and more', () => {
    assert.deepEqual([0, 999, 1000, 12_345, 123_456, 9.99e5, 1.2e6].map(bytesText), [
      ...['0 B', '999 B', '1.0 kB', '12 kB', '123 kB', '999 kB', '1.2 MB'],
    ]);
    assert.deepEqual([500, 59_000, 61_000, 3_700_000].map(durationText), [
      '1 s',
      '59 s',
      '1:01 min',
      '1:01 h',
    ]);
  });
});
