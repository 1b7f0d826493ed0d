import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMetrics } from '../../../src/api/metrics.ts';
import { summaryLines } from '../../../src/cli/view/node-summary.ts';
import { plainLine } from '../../../src/cli/view/plain-lines.ts';
import { renderView } from '../../../src/cli/view/render-view.ts';
import { viewOf } from '../../../src/cli/view/view-state.ts';
import type { ProtocolEvent } from '../../../src/core/io.ts';
import type { NetworkEvent } from '../../../src/network/events.ts';
import type { RunEvent, RunSample, SessionEvent } from '../../../src/node/events.ts';
import { Histories } from '../../../src/node/view/histories.ts';
import { RunReducer } from '../../../src/node/view/run-reducer.ts';
import { peerName, type RunView, runViewSchema } from '../../../src/node/view/run-view.ts';
import { refusedSoOften, someFacts, someSample } from '../some-run.ts';

const self = 'aa';
const protocol = (event: ProtocolEvent): RunEvent => ({ source: 'protocol', event });
const network = (event: NetworkEvent): RunEvent => ({ source: 'network', event });
const session = (event: SessionEvent): RunEvent => ({ source: 'session', event });

const facts = someFacts({ members: [self, 'bb', 'cc', 'dd'], names: { bb: 'Ward 3', dd: 'Ward 5' } });

const sample = someSample(
  {
    ...{
      round: 12,
      finalisedRound: 5,
      countedRounds: 6,
      checkpoint: '3:aa:bb',
      lag: 3,
      lastTrained: { round: 12, loss: 0.25 },
    },
    shown: [{ kind: 'note', round: 3, author: 'bb', text: 'disks are moved at noon' }],
    refused: refusedSoOften({ 'bad-signature': 2 }),
    contributions: [
      { peer: self, deltas: 5, share: 0.75 },
      { peer: 'bb', deltas: 2, share: 0.25 },
    ],
  },
  {
    ...{ bytesIn: 1_234_567, bytesOut: 45_600, contentBytes: 77, contentBytesMax: 1000 },
    ...{ unsavedBytes: 12, announcementsDropped: 4 },
  },
);

/** Of the four of `facts`. */
const membersOf = (
  here: number,
  present: readonly string[],
  missing: readonly string[],
  linked: readonly string[],
) => ({
  ...{ known: 4, here, linked, present, missing },
  names: { bb: 'Ward 3', dd: 'Ward 5' },
});

test('figures over the rounds have no training loss of rounds in which nothing is trained', () => {
  const histories = new Histories();
  const hear = (core: Partial<RunSample['core']>): void => {
    const event = { kind: 'sampled', sample: { ...sample, core: { ...sample.core, ...core } } } as const;
    histories.note({ source: 'session', event, atMs: 0, node: self, runId: 'run' });
  };
  hear({});
  hear({ phase: 'draining', round: 13 });
  hear({ phase: 'finished', round: 14 });
  const points = histories.of('run').points.map(({ round, loss, lag }) => [round, loss, lag]);
  assert.deepEqual(points, [
    [12, 0.25, 3],
    [13, null, 3],
  ]);
});

function after(...events: readonly RunEvent[]): RunView {
  const reducer = new RunReducer('run', self, 1000);
  for (const event of events) reducer.apply(event);
  return reducer.view();
}

describe('the view of a run', () => {
  test('begins with nothing known', () => {
    const view = after();
    assert.deepEqual(runViewSchema.parse(view), view);
    assert.deepEqual(
      [view.runId, view.peerKey, view.startedAtMs, view.run, view.phase, view.round, view.finalisedRound],
      ['run', self, 1000, null, 'waiting', -1, -1],
    );
    assert.deepEqual(view.members, { known: null, here: 1, linked: [], present: [], missing: [], names: {} });
  });

  test('goes from the search for the manifest to the end', () => {
    const events: RunEvent[] = [];
    const state = (event: SessionEvent): RunView => {
      events.push(session(event));
      return after(...events);
    };
    assert.equal(state({ kind: 'searching' }).state, 'searching');
    assert.equal(state({ kind: 'manifest-refused', provider: 'bb', reason: 'forged' }).trouble, 'forged');
    const opened = state({ kind: 'opened', facts });
    const { members, names: _, ...run } = facts;
    assert.deepEqual([opened.state, opened.run, opened.trouble], ['preparing', run, null]);
    assert.equal(state({ kind: 'prepared', backend: 'wasm' }).backend, 'wasm');
    assert.equal(state({ kind: 'running', round: 0, isBack: false }).state, 'running');
    const ended = state({ kind: 'ended', failure: 'the disk is full', isLeft: false });
    assert.deepEqual([ended.state, ended.failure], ['ended', 'the disk is full']);
    assert.equal(members?.length, 4);
  });

  test('counts rounds, deltas, what was skipped and why, and what went wrong', () => {
    const view = after(
      protocol({ kind: 'phase', phase: 'training' }),
      protocol({ kind: 'round-started', round: 3 }),
      protocol({ kind: 'published', round: 3, bodyBytes: 100, loss: 0.5 }),
      protocol({ kind: 'round-started', round: 4 }),
      protocol({ kind: 'published', round: 4, bodyBytes: 50, loss: 0.4 }),
      protocol({ kind: 'skipped', round: 5, reason: 'not in the committee' }),
      protocol({ kind: 'skipped', round: 6, reason: 'not in the committee' }),
      protocol({ kind: 'skipped', round: 7, reason: 'training took too long' }),
      protocol({ kind: 'finalised', round: 0, entries: 0, root: '' }),
      protocol({ kind: 'finalised', round: 1, entries: 3, root: 'r' }),
      protocol({ kind: 'passed', from: 2, through: 4 }),
      protocol({ kind: 'restored', round: 1 }),
      protocol({ kind: 'fork', round: 1, mine: 'm', theirs: 't' }),
      protocol({ kind: 'equivocation', round: 1, author: 'bb' }),
      protocol({ kind: 'diverging', round: 4, loss: 9, best: 0.4 }),
      protocol({ kind: 'joined', round: 20, donors: 3 }),
      protocol({ kind: 'refused', reason: 'malformed', from: 'bb' }),
      protocol({ kind: 'refused', reason: 'malformed', from: 'cc' }),
      session({ kind: 'input-dropped', input: 'announcement', from: 'bb', reason: 'broken' }),
    );
    assert.deepEqual(
      [view.phase, view.round, view.loss, view.deltasPublished, view.announcedBytes],
      ['training', 4, 0.4, 2, 150],
    );
    assert.deepEqual(view.skipped, { 'not in the committee': 2, 'training took too long': 1 });
    assert.equal(view.finalisedRound, 4);
    assert.deepEqual([view.restored, view.forks, view.equivocations, view.divergences], [1, 1, 1, 1]);
    assert.deepEqual([view.joined, view.inputsDropped], [{ round: 20, donors: 3 }, 1]);
    assert.deepEqual(view.refused, refusedSoOften({ malformed: 2 }));
  });

  test('peers are those connected; members are here while they are, or were heard of lately', () => {
    const events: RunEvent[] = [
      session({ kind: 'opened', facts }),
      network({ kind: 'peer-up', peer: 'bb' }),
      network({ kind: 'peer-up', peer: 'cc' }),
      network({ kind: 'peer-up', peer: 'cc' }),
    ];
    assert.equal(after(...events).peers, 2);
    assert.deepEqual(after(...events).members, membersOf(3, ['bb', 'cc'], ['dd'], ['bb', 'cc']));
    events.push(
      protocol({ kind: 'round-started', round: 10 }),
      network({ kind: 'peer-down', peer: 'bb' }),
      protocol({ kind: 'accepted', round: 10, author: 'dd', entryKind: 'delta' }),
    );
    assert.equal(after(...events).peers, 1);
    assert.deepEqual(after(...events).members, membersOf(3, ['cc', 'dd'], ['bb'], ['cc']));
    events.push(protocol({ kind: 'round-started', round: 13 }));
    assert.deepEqual(after(...events).members, membersOf(2, ['cc'], ['bb', 'dd'], ['cc']));
    // What the events left out, the next sample says.
    events.push(session({ kind: 'sampled', sample: { ...sample, linked: ['dd', 'ee'] } }));
    assert.equal(after(...events).peers, 2);
    assert.deepEqual(
      after(...events).members,
      membersOf(2, ['dd'], ['bb', 'cc'], ['dd', 'ee']),
      'ee is none',
    );
    events.push(session({ kind: 'ended', failure: null, isLeft: true }));
    assert.equal(after(...events).peers, 0);
  });

  test('calls members what the manifest calls them, and others by their keys', () => {
    const view = after(session({ kind: 'opened', facts }));
    assert.deepEqual(
      ['bb', 'cc', 'dd'].map((peer) => peerName(view, peer)),
      ['Ward 3', 'cc', 'Ward 5'],
    );
  });

  test('remembers a bounded number of strangers, and never forgets who is connected', () => {
    const reducer = new RunReducer('run', self, 0);
    reducer.apply(network({ kind: 'peer-up', peer: 'bb' }));
    for (let index = 0; index < 5000; index++) {
      reducer.apply(
        protocol({ kind: 'accepted', round: 0, author: `stranger-${index}`, entryKind: 'delta' }),
      );
      reducer.apply(protocol({ kind: 'skipped', round: 0, reason: `reason ${index}` }));
    }
    const view = reducer.view();
    assert.deepEqual([view.peers, view.members.here], [1, 1024 + 1]);
    assert.ok(Object.keys(view.skipped).length <= 33);
    assert.equal(
      Object.values(view.skipped).reduce((sum, count) => sum + count, 0),
      5000,
    );
  });

  test('how far a run is: what counts, and what is under way as if it did', () => {
    const done = (core: Partial<RunSample['core']>): number =>
      after(
        session({ kind: 'opened', facts }),
        session({ kind: 'sampled', sample: { ...sample, core: { ...sample.core, ...core } } }),
      ).roundsDone;
    assert.equal(done({ round: -1, finalisedRound: -1, countedRounds: 0 }), 0);
    assert.equal(done({ round: 12, finalisedRound: 5, countedRounds: 4 }), 10);
    assert.equal(done({ round: 120, finalisedRound: 90, countedRounds: 85 }), 100);
    assert.equal(done({ phase: 'finished', round: 140, finalisedRound: 120, countedRounds: 100 }), 100);
  });

  test('what was found of this node stays known once it is over, until more is found', () => {
    const reducer = new RunReducer('run', self, 0);
    const hear = (finalisedRound: number, found: RunSample['core']['shown']): RunView['silenced'] => {
      const core = { ...sample.core, finalisedRound, shown: found };
      reducer.apply({ source: 'session', event: { kind: 'sampled', sample: { ...sample, core } } });
      return reducer.view().silenced;
    };
    const text = 'its deltas carry no weight';
    const about = (author: string, round: number): RunSample['core']['shown'] => [
      { kind: 'scores', round, author, text, silenced: { advice: 'look at it' } },
    ];
    assert.equal(hear(3, about('bb', 2)), null, 'it is of somebody else');
    const first = { round: 4, text, advice: 'look at it', until: null };
    assert.deepEqual(hear(5, about(self, 4)), first);
    assert.deepEqual(hear(9, []), { ...first, until: 9 });
    assert.deepEqual(hear(12, []), { ...first, until: 9 });
    assert.deepEqual(hear(20, about(self, 19)), { ...first, round: 19 });
  });

  test('evaluations and saves; a failure is shown until the next success', () => {
    const done = [
      session({ kind: 'evaluated', round: 9, accuracy: 0.9, loss: 0.3, examples: 10 }),
      session({ kind: 'save-failed', path: '/m', reason: 'the disk is full' }),
    ];
    const failed = after(...done);
    assert.deepEqual(
      [failed.accuracy, failed.accuracyRound, failed.heldOutLoss, failed.modelPath, failed.trouble],
      [0.9, 9, 0.3, null, 'the disk is full'],
    );
    assert.equal(after(session({ kind: 'sampled', sample })).checkpoint, '3:aa:bb');
    const saved = after(...done, session({ kind: 'saved', path: '/m', modelHash: 'f00d' }));
    assert.deepEqual([saved.modelPath, saved.trouble], ['/m', null]);
    assert.equal(after(session({ kind: 'snapshot-not-kept', reason: 'no room' })).trouble, 'no room');
  });

  test('the round stops with the run, though the clock goes on', () => {
    const at = (phase: 'training' | 'finished'): number => {
      const core = { ...sample.core, phase, round: 900, finalisedRound: 104 };
      return after(
        session({ kind: 'opened', facts }),
        session({ kind: 'sampled', sample: { ...sample, core } }),
      ).round;
    };
    assert.deepEqual([at('training'), at('finished')], [900, 104]);
  });

  test('the round in which the first peer came is kept, and none where that was before the start', () => {
    const opened = session({ kind: 'opened', facts });
    const round = (number: number) => protocol({ kind: 'round-started', round: number });
    const up = network({ kind: 'peer-up', peer: 'bb' });
    assert.equal(after(opened, up).firstPeerRound, null);
    const down = network({ kind: 'peer-down', peer: 'bb' });
    assert.equal(after(opened, round(7), up, down, round(9), up).firstPeerRound, 7);
  });

  test('the outcome follows from the last sample, and who agreed and has gone has not changed its mind', () => {
    const core = { ...sample.core, countedRounds: 7, phase: 'finished' } as const;
    const ends = (agreement: RunSample['core']['agreement']): RunEvent =>
      session({ kind: 'sampled', sample: { ...sample, core: { ...core, agreement } } });
    const opened = session({ kind: 'opened', facts });
    assert.equal(after(opened, session({ kind: 'sampled', sample })).outcome, null);
    assert.deepEqual(after(opened, ends({ same: 2, other: 0 })).folded, { own: 5, others: 2 });
    assert.equal(after(opened, ends({ same: 2, other: 0 })).outcome, 'trained');
    const parted = ends({ same: 0, other: 2 });
    assert.match(after(opened, parted).outcomeText!, /^forked: 2 of 2 connected peers say/);
    assert.equal(after(opened, parted, ends({ same: 0, other: 0 })).outcome, 'forked');
    assert.equal(after(opened, parted, ends({ same: 1, other: 0 })).outcome, 'trained', 'they came over');
  });

  test('the same events give the same view, and a view given away does not change', () => {
    const reducer = new RunReducer('run', self, 1000);
    const events = [session({ kind: 'opened', facts }), session({ kind: 'sampled', sample })];
    for (const event of events) reducer.apply(event);
    const before = reducer.view();
    const copy = structuredClone(before);
    reducer.apply(protocol({ kind: 'refused', reason: 'malformed', from: 'bb' }));
    reducer.apply(protocol({ kind: 'skipped', round: 1, reason: 'late' }));
    assert.deepEqual(before, copy);
    assert.deepEqual(after(...events), copy);
  });
});

test('terminal, status and metrics say the same figures for the same events', async () => {
  const view = after(
    session({ kind: 'opened', facts }),
    session({ kind: 'running', round: 0, isBack: false }),
    network({ kind: 'peer-up', peer: 'bb' }),
    network({ kind: 'peer-up', peer: 'cc' }),
    protocol({ kind: 'published', round: 11, bodyBytes: 70, loss: 0.25 }),
    session({
      ...{ kind: 'evaluated', round: 10, accuracy: 0.931, loss: 0.3, examples: 10 },
      figures: {
        majority: 0.6,
        auc: 0.9,
        confusion: [
          [5, 1],
          [0, 4],
        ],
      },
      alone: { accuracy: 0.8, loss: 0.5, steps: 300 },
    }),
    session({ kind: 'sampled', sample }),
  );
  const status = runViewSchema.parse(JSON.parse(JSON.stringify(view)));
  assert.deepEqual(status, view);
  assert.deepEqual([view.alone?.accuracy, view.heldOutExamples], [0.8, 10]);

  const { bytesIn, bytesOut } = view;
  const content = { blobs: 1, bytes: view.contentBytes, pinnedBytes: 0, bytesMax: view.contentBytesMax };
  const node = { peerKey: self, peerId: 'p', addresses: [], content, bytesIn, bytesOut };
  const metrics = new Map(
    (await createMetrics({ summary: () => node, views: () => [view], network: async () => new Map() }).text())
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split(' ') as [string, string]),
  );
  const figure = (name: string): number => Number(metrics.get(`starlings_${name}{run="run"}`));
  assert.deepEqual(
    {
      round: figure('round'),
      finalisedRound: figure('finalised_round'),
      countedRounds: figure('counted_rounds'),
      roundsDone: figure('rounds_done'),
      lag: figure('lag_entries'),
      peers: figure('peers'),
      loss: figure('training_loss'),
      accuracy: figure('accuracy'),
      deltasPublished: figure('deltas_published_total'),
      announcedBytes: figure('announced_bytes_total'),
      bytesIn: Number(metrics.get('starlings_bytes_in_total')),
      bytesOut: Number(metrics.get('starlings_bytes_out_total')),
      contentBytes: Number(metrics.get('starlings_content_bytes')),
      contentBytesMax: Number(metrics.get('starlings_content_bytes_max')),
      badSignatures: Number(metrics.get('starlings_refused_total{run="run",reason="bad-signature"}')),
    },
    {
      round: status.round,
      finalisedRound: status.finalisedRound,
      countedRounds: status.countedRounds,
      roundsDone: status.roundsDone,
      lag: status.lag,
      peers: status.peers,
      loss: status.loss,
      accuracy: status.accuracy,
      deltasPublished: status.deltasPublished,
      announcedBytes: status.announcedBytes,
      bytesIn: status.bytesIn,
      bytesOut: status.bytesOut,
      contentBytes: status.contentBytes,
      contentBytesMax: status.contentBytesMax,
      badSignatures: status.refused['bad-signature'],
    },
  );

  const times = { title: 'demo', startAtMs: 10_000, slotMs: 500, rounds: 100, windowRounds: 6 };
  const nodes = [{ name: 'node-00', alive: true, view }];
  const shown = viewOf({ atMs: 16_000, nodes, bootstraps: 0, bootstrapsAlive: 0 }, times);
  const row = renderView(shown, 120)
    .split('\n')
    .find((line) => line.startsWith('node-00'));
  assert.deepEqual(row?.trim().split(/ {2,}/), [
    ...['node-00', 'training', '12', '0.250', '93.10 %', '60.00 %', '2', '1.23 MB', '45.6 kB', '3'],
  ]);
  assert.match(
    plainLine(shown),
    /^round 12\/100, training, 1 node, peers 2, accuracy 93\.10 %.*, lag 3, out 45\.6 kB/,
  );
});

test('a run of a number shows its error everywhere in place of accuracy', async () => {
  const rmse = (value: number) => [{ id: 'rmse', value, better: 'lower' as const, unit: 'mmHg' }];
  const view = after(
    session({ kind: 'opened', facts }),
    session({ kind: 'running', round: 0, isBack: false }),
    session({
      ...{ kind: 'evaluated', round: 10, accuracy: null, loss: 0.3, examples: 10, measures: rmse(12.34567) },
      alone: { accuracy: null, measures: rmse(15), loss: 0.5, steps: 300 },
    }),
    session({ kind: 'sampled', sample }),
  );
  assert.deepEqual(runViewSchema.parse(JSON.parse(JSON.stringify(view))), view);
  assert.equal(view.accuracy, null);
  const node = { peerKey: self, peerId: 'p', addresses: [], content: null, bytesIn: 0, bytesOut: 0 };
  const metrics = await createMetrics({
    summary: () => node,
    views: () => [view],
    network: async () => new Map(),
  }).text();
  assert.match(metrics, /^starlings_measure\{run="run",measure="rmse"\} 12\.34567$/m);
  assert.doesNotMatch(metrics, /^starlings_accuracy\{/m);
  const state = viewOf(
    { nodes: [{ name: 'a', alive: true, view }], atMs: 20_000, bootstraps: 1, bootstrapsAlive: 1 },
    { title: 'demo', startAtMs: 0, slotMs: 500, rounds: 100, windowRounds: 6 },
  );
  const [, , head, row] = renderView(state, 120).split('\n');
  assert.match(head!, / rmse /);
  assert.match(row!, /12\.346/);
  assert.match(plainLine(state), /, rmse 12\.346 mmHg to 12\.346 mmHg, /);
  assert.match(summaryLines(view).join('\n'), /^rmse {6}12\.346 mmHg in round 10$/m);
});
