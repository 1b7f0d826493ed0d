import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBytes, formatDuration } from '../../src/cli/view/format.ts';
import { LossTrails } from '../../src/cli/view/loss-trails.ts';
import { isMilestone, plainLine } from '../../src/cli/view/plain-lines.ts';
import { renderView } from '../../src/cli/view/render-view.ts';
import { sparkline } from '../../src/cli/view/sparkline.ts';
import { widthOf } from '../../src/cli/view/text-fit.ts';
import { type NodeRow, type ViewState, viewOf } from '../../src/cli/view/view-state.ts';
import { siteNames } from '../../src/testnet/site-names.ts';
import { someView } from '../node/some-view.ts';

const view = someView({ phase: 'training', roundsDone: 12, peers: 3 });
const emptyPoint = {
  ...{ accuracy: null, heldOutLoss: null, bytesIn: null, bytesOut: null, lag: null, behind: null },
  measures: null,
};

const row = (name: string, rest: Partial<NodeRow> = {}): NodeRow => ({
  name,
  phase: 'training',
  outcome: null,
  round: 41,
  loss: 0.2104,
  accuracy: 0.93118,
  majority: 0.1135,
  peers: 7,
  bytesIn: 1_234_567,
  bytesOut: 998,
  lag: 0,
  ...rest,
});

const state: ViewState = {
  title: 'mnist-mlp  bafyreigd7ikji2uqsyevqb433sfan3wdbls4mn2a53aopnvhtvnmzltpse',
  rows: [
    row('node-00'),
    row('node-01', { round: 40, lag: 12, accuracy: null, bytesOut: 45_600_000 }),
    row('node-02', {
      phase: 'starting',
      round: null,
      loss: null,
      accuracy: null,
      majority: null,
      peers: null,
      bytesIn: null,
      bytesOut: null,
      lag: null,
    }),
    row('node-03', { phase: 'gone' }),
  ],
  bootstraps: { alive: 0, total: 2 },
  round: 40,
  rounds: 100,
  startsInMs: 0,
  leftMs: 42_000,
  slotMs: 500,
  isSlowed: false,
  phase: 'training',
};

test('the view at full width', () => {
  assert.equal(
    renderView(state, 120),
    `mnist-mlp  bafyreigd7ikji2uqsyevqb433sfan3wdbls4mn2a53aopnvhtvnmzltpse

node      phase       round    loss  accuracy  majority  peers        in       out   lag
node-00   training       41   0.210   93.12 %   11.35 %      7   1.23 MB     998 B     0
node-01   training       40   0.210         -   11.35 %      7   1.23 MB   45.6 MB    12
node-02   starting        -       -         -         -      -         -         -     -
node-03   gone           41   0.210   93.12 %   11.35 %      7   1.23 MB     998 B     0

████████████████░░░░░░░░░░░░░░░░░░░░░░░░ 40/100 about 42 s left
bootstraps: all 2 dead; the nodes go on without`,
  );
});

test('a narrow terminal keeps node, round and accuracy', () => {
  assert.equal(
    renderView({ ...state, rows: state.rows.slice(0, 1) }, 40),
    `mnist-mlp  bafyreigd7ikji2uqsyevqb433sf…

node      phase       round  accuracy
node-00   training       41   93.12 %

██████░░░░░░░░░░░ 40/100 about 42 s left
bootstraps: all 2 dead; the nodes go on…`,
  );
});

const curved: ViewState = {
  ...state,
  rows: [
    row('node-00 ward-north', { losses: [4, 3, 2, 1, 0.5, 0.25, 0.25, 0.1] }),
    row('node-01 Klinikum Süd-West', { losses: [4, 4, 3, 3, 2, 2, 2, 2], lag: 3 }),
    row('node-02 三号病院の記録', { losses: [1] }),
  ],
};

test('at 80 columns a row has the name of its site and the curve of its loss, on one scale for all', () => {
  assert.equal(
    renderView(curved, 80),
    `mnist-mlp  bafyreigd7ikji2uqsyevqb433sfan3wdbls4mn2a53aopnvhtvnmzltpse

node                  phase       round    loss  over time       accuracy  peers
node-00 ward-north    training       41   0.210  █▆▄▂▁▁▁▁         93.12 %      7
node-01 Klinikum Sü…  training       41   0.210  ██▆▆▄▄▄▄         93.12 %      7
node-02 三号病院の…   training       41   0.210  ▂                93.12 %      7

████████████████░░░░░░░░░░░░░░░░░░░░░░░░ 40/100 about 42 s left
bootstraps: all 2 dead; the nodes go on without`,
  );
});

test('a curve longer than its place is made of means, and its end is the newest', () => {
  const losses = Array.from({ length: 100 }, (_, round) => (round < 50 ? 1 : 0));
  assert.equal(sparkline(losses, 10, [0, 1]), '█████▁▁▁▁▁');
  assert.equal(sparkline([2, 2, 2], 10, [2, 2]), '▁▁▁');
  assert.equal(sparkline([], 10, [Infinity, -Infinity]), '');
});

test('more nodes than lines: those in trouble and behind are shown, and how many are not', () => {
  const rows = Array.from({ length: 26 }, (_, index) =>
    row(`node-${index}`, index === 20 ? { phase: 'gone' } : { round: index === 11 ? 3 : 40 }),
  );
  for (const lines of [10, 24, 40]) {
    const drawn = renderView({ ...state, rows }, 80, undefined, lines).split('\n');
    assert.ok(drawn.length < lines, `${drawn.length} lines of ${lines}`);
    assert.match(drawn.join('\n'), /\nnode-11 [\s\S]*\nnode-20 +gone/);
    const shown = drawn.filter((line) => line.startsWith('node-')).length;
    assert.equal(/and (\d+) more/.exec(drawn.join('\n'))?.[1] ?? '0', String(26 - shown));
  }
});

test('losses are remembered round by round, from what a node tells and from looks at it', () => {
  const trails = new LossTrails();
  const { points } = { points: [{ ...emptyPoint, round: 0, loss: 3 }] };
  trails.take('node-00', { points });
  for (const [roundsDone, loss] of [
    [1, 2],
    [1, 2],
    [2, 1],
    [3, Number.NaN],
  ] as const) {
    trails.note([{ name: 'node-00', view: { ...view, roundsDone, loss } }]);
  }
  trails.note([{ name: 'node-01', view: null }]);
  assert.deepEqual([trails.of('node-00'), trails.of('node-01')], [[3, 2, 1], []]);
});

test('rows have the names of the sites where the data tells them apart', () => {
  const members = ['ward \u001b[31mnorth.csv', 'south.csv.gz'].map((file, index) => ({
    name: `node-0${index}`,
    data: `/data/${file}`,
  }));
  assert.deepEqual(
    [...siteNames(members)],
    [
      ['node-00', 'ward ?[31mnorth'],
      ['node-01', 'south.csv'],
    ],
  );
  const split = members.map(({ name }) => ({ name, data: `/testnet/${name}/data` }));
  assert.equal(siteNames(split).size, 0);
  const run = { title: 't', startAtMs: 0, slotMs: 1, rounds: 9, windowRounds: 1, sites: siteNames(members) };
  const nodes = [{ name: 'node-01', alive: true, view }];
  assert.equal(
    viewOf({ nodes, atMs: 1, bootstraps: 0, bootstrapsAlive: 0 }, run).rows[0]!.name,
    'node-01 south.csv',
  );
});

test('no line is wider than the terminal', () => {
  for (let columns = 28; columns <= 140; columns++) {
    for (const line of [state, curved].flatMap((each) => renderView(each, columns).split('\n'))) {
      assert.ok(widthOf(line) <= columns, `${widthOf(line)} > ${columns}: ${line}`);
    }
  }
});

test('the painter gets every word and changes none', () => {
  const painted = renderView(state, 100, (tone, text) => `<${tone}>${text}</${tone}>`);
  assert.equal(painted.replace(/<\/?[a-z]+>/g, ''), renderView(state, 100));
  assert.match(painted, /<bad>bootstraps: all 2 dead/);
  assert.match(painted, /<bad>gone {5}<\/bad>/);
  assert.match(painted, /<bad> {2}12<\/bad>/);
});

test('says what is being waited for', () => {
  const progress = (changed: Partial<ViewState>): string | undefined =>
    renderView({ ...state, round: 0, startsInMs: 7200, ...changed }, 120)
      .split('\n')
      .at(-2);
  const empty = '░'.repeat(40);
  assert.equal(progress({ phase: 'joining' }), `${empty} 0/100 finding each other, first round in 8 s`);
  assert.equal(progress({ phase: 'waiting' }), `${empty} 0/100 first round in 8 s`);
  assert.equal(progress({ phase: 'finished', round: 100 }), `${'█'.repeat(40)} 100/100 finished`);
});

test('nodes that ended alone have not finished', () => {
  const rows = [
    row('node-00', { phase: 'finished', outcome: 'trained' }),
    row('node-01', { phase: 'finished', outcome: 'alone' }),
  ];
  const text = renderView({ ...state, rows, phase: 'finished', round: 100 }, 120);
  assert.match(text, /\nnode-00 {3}finished .*\nnode-01 {3}alone .*\n\n█+ 100\/100 alone\n/);
  assert.match(plainLine({ ...state, rows, phase: 'finished' }), /^round 40\/100, alone, 2 nodes/);
});

test('plain lines', () => {
  assert.equal(
    plainLine(state),
    'round 40/100, training, 3 nodes (1 gone), peers 7, accuracy 93.12 % to 93.12 %, lag 12, out 45.6 MB, ' +
      'bootstraps 0/2, about 42 s left',
  );
  assert.equal(
    plainLine({ ...state, rows: [state.rows[2]!], round: 0, phase: 'joining', startsInMs: 500 }),
    'round 0/100, joining, 1 node, peers -, nothing evaluated yet, lag 0, out 0 B, bootstraps 0/2, starts in 1 s',
  );
  assert.equal(isMilestone(state, null), true);
  assert.equal(isMilestone({ ...state, round: 41 }, state), false);
  assert.equal(isMilestone({ ...state, phase: 'finishing' }, state), true);
  assert.equal(isMilestone({ ...state, bootstraps: { alive: 1, total: 2 } }, state), true);
  assert.equal(isMilestone({ ...state, rows: state.rows.slice(0, 3) }, state), true);
});

test('the view follows from what was observed', () => {
  const run = { title: 't', startAtMs: 10_000, slotMs: 1000, rounds: 100, windowRounds: 6 };
  const observed = (nodes: Parameters<typeof viewOf>[0]['nodes'], atMs: number): ViewState =>
    viewOf({ nodes, atMs, bootstraps: 2, bootstrapsAlive: 1 }, run);
  const shown = observed(
    [
      { name: 'node-00', alive: true, view },
      { name: 'node-01', alive: true, view: { ...view, roundsDone: 9, slotMs: 2000 } },
      { name: 'node-02', alive: false, view: { ...view, roundsDone: 6 } },
    ],
    22_000,
  );
  assert.deepEqual(
    { ...shown, rows: shown.rows.map(({ phase, round }) => [phase, round]) },
    {
      title: 't',
      rows: [
        ['training', 12],
        ['training', 9],
        ['gone', 6],
      ],
      bootstraps: { alive: 1, total: 2 },
      parts: null,
      round: 9,
      rounds: 100,
      startsInMs: 0,
      leftMs: (100 - 9 + 6) * 2000,
      slotMs: 2000,
      isSlowed: true,
      phase: 'training',
    },
  );
  const early = observed([{ name: 'node-00', alive: true, view: null }], 4000);
  assert.deepEqual(
    [early.phase, early.round, early.startsInMs, early.rows[0]?.phase],
    ['joining', 0, 6000, 'starting'],
  );
  const frozen = observed([{ name: 'node-00', alive: true, isSilent: true, view: null }], 4000);
  assert.equal(frozen.rows[0]?.phase, 'silent');
  assert.equal(
    observed(
      [
        {
          name: 'n',
          alive: true,
          view: { ...view, phase: 'waiting', round: -1, finalisedRound: -1, countedRounds: 0 },
        },
      ],
      1,
    ).phase,
    'waiting',
  );
  assert.equal(
    observed([{ name: 'n', alive: true, view: { ...view, phase: 'finished' } }], 1e9).phase,
    'finished',
  );
});

test('a testnet whose nodes are gone is down, whatever they said last', () => {
  const run = { title: 't', startAtMs: 10_000, slotMs: 1000, rounds: 100, windowRounds: 6 };
  const observed = (nodes: Parameters<typeof viewOf>[0]['nodes'], bootstrapsAlive: number): ViewState =>
    viewOf({ nodes, atMs: 22_000, bootstraps: 2, bootstrapsAlive }, run);
  for (const last of [null, view]) {
    const down = observed([{ name: 'node-00', alive: false, view: last }], 0);
    assert.deepEqual([down.phase, down.round], ['down', 0]);
    assert.deepEqual(renderView(down, 120).split('\n').slice(-2), [
      'the testnet is down: no node is alive',
      'bootstraps: 0 of 2 alive',
    ]);
    assert.equal(plainLine(down), 'the testnet is down: no node is alive (1 gone), bootstraps 0/2');
  }
  assert.equal(observed([], 0).phase, 'down');
  assert.notEqual(observed([], 2).phase, 'down');
});

test('numbers as people read them', () => {
  const bytes: readonly [number | null, string][] = [
    [null, '-'],
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.00 kB'],
    [9994, '9.99 kB'],
    [9996, '10.0 kB'],
    [99_949, '99.9 kB'],
    [99_950, '100 kB'],
    [999_499, '999 kB'],
    [999_500, '1.00 MB'],
    [142_492_000, '142 MB'],
    [5e15, '5000 TB'],
  ];
  for (const [value, text] of bytes) assert.equal(formatBytes(value), text);
  const durations: readonly [number, string][] = [
    [0, '0 s'],
    [59_000, '59 s'],
    [59_001, '1:00 min'],
    [3_599_000, '59:59 min'],
    [3_600_000, '1:00:00 h'],
    [7_384_000, '2:03:04 h'],
  ];
  for (const [value, text] of durations) assert.equal(formatDuration(value), text);
});
