import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matrixLines } from '../../src/cli/view/render-evaluation.ts';
import { renderSummary } from '../../src/cli/view/render-summary.ts';
import type { RunView } from '../../src/node/view/run-view.ts';
import { runSpecSchema } from '../../src/run/run-spec.ts';
import type { Measure } from '../../src/tasks/measures.ts';
import { outcomeOfAll } from '../../src/testnet/observe.ts';
import type { RunToEnd } from '../../src/testnet/run-to-end.ts';
import { someView } from '../node/some-view.ts';

const spec = runSpecSchema.parse({
  name: 'demo',
  model: { kind: 'logistic-regression', inputs: 784, outputs: 10 },
  task: { kind: 'idx-images' },
  rounds: 10,
  slotMs: 700,
});

const view = (peerKey: string, modelHash: string): RunView =>
  someView({
    peerKey,
    modelHash,
    phase: 'finished',
    outcome: 'trained',
    outcomeText: 'trained: as it should be',
    agreement: { same: 1, other: 0 },
    round: 10,
    accuracy: 0.9,
    accuracyRound: 9,
    contributions: [
      { peer: 'bbbb', deltas: 9, share: 0.25 },
      { peer: 'aaaa', deltas: 10, share: 0.7 },
      { peer: 'cccccccccccc', deltas: 1, share: 0.05 },
    ],
    modelPath: '/tmp/node-00/runs/run/model.safetensors',
  });

const accuracyOf = (value: number): Measure => ({ id: 'accuracy', value, better: 'higher', unit: '%' });

function endOf(hashes: readonly string[], bytesSentPerNode: number): RunToEnd {
  const nodes = hashes.map((hash, index) => ({
    name: `node-0${index}`,
    alive: true,
    view: view(index === 0 ? 'aaaa' : 'bbbb', hash),
  }));
  return {
    testnet: {
      directory: '/tmp',
      spec,
      state: {
        version: 1,
        runId: 'run',
        name: 'demo',
        createdAtMs: 0,
        startAtMs: 0,
        rounds: 10,
        slotMs: 700,
        windowRounds: 6,
        members: [],
      },
      nodes: [],
      bootstraps: [],
    },
    last: { atMs: 0, nodes, bootstraps: 2, bootstrapsAlive: 0 },
    result: {
      nodes: 2,
      worst: accuracyOf(0.9),
      pooled: accuracyOf(0.9),
      pooledAlone: null,
      accuracyMin: 0.9,
      accuracyMean: 0.9,
      aloneAccuracyMean: null,
      majority: 0.54,
      confusion: [
        [40, 6],
        [4, 50],
      ],
      modelHashes: [...new Set(hashes)].sort(),
      bytesSentPerNode,
      denseBytesPerNode: 314_000,
      bootstrapsAlive: 0,
      rounds: 10,
      countedRounds: 10,
      outcome: 'trained',
      outcomes: { 'node-00': 'trained', 'node-01': 'trained' },
      seconds: 12.3,
    },
  };
}

test('the summary of a run that went well', () => {
  assert.equal(
    renderSummary(endOf(['f00d', 'f00d'], 6280)),
    `accuracy on the held-out examples
  node-00  90.00 %
  node-01  90.00 %
  lowest 90.00 %, of all examples 90.00 %
  who always says the most frequent class is right for 54.00 %
  confusion (rows: what it is, columns: what the model says), of all examples
         0   1
     0  40   6
     1   4  50

model
  all 2 nodes hold f00d
  saved in /tmp/node-00/runs/run/model.safetensors

bytes sent per node
  6.28 kB in all (gossip, repair, DHT, encryption)
  314 kB for dense float32: 7850 parameters * 4 bytes * 10 rounds * 1 other node
  50.0 times less

who moved the model (deltas, share of the summed squared norm; what it was worth: starlings ledger)
  cccccccc      1    5.00 %
  node-00     10   70.00 %
  node-01      9   25.00 %

outcome: trained; bootstraps alive: 0; 10 rounds in 12.3 s`,
  );
});

test('who was silenced for a part of the run is told so, though it trained', () => {
  const end = endOf(['f00d', 'f00d'], 6280);
  const [first, second] = end.last.nodes;
  const was = { round: 52, text: 'its deltas carry no weight', advice: 'check its labels', until: null };
  const outcomeText = 'trained: of others; since the end of round 52 its deltas carry no weight';
  const told = { ...second!, view: { ...second!.view!, silenced: was, outcomeText } };
  const text = renderSummary({ ...end, last: { ...end.last, nodes: [first!, told] } });
  assert.match(text, /\n {2}node-01 {2}trained: .*since the end of round 52 its deltas carry no weight\n/);
  assert.doesNotMatch(text, /node-00 {2}trained/);
});

test('claims no norms of deltas that nobody sees, and no ledger where there is none', () => {
  const end = endOf(['f00d', 'f00d'], 6280);
  const members = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(64));
  const methods = [
    { strategy: { id: 'd-psgd', topology: { id: 'ring' } } },
    { strategy: { id: 'secure-aggregation' }, membership: { kind: 'allow-list', members } },
  ];
  for (const method of methods) {
    const text = renderSummary({
      ...end,
      testnet: { ...end.testnet, spec: runSpecSchema.parse({ ...spec, ...method }) },
    });
    assert.match(
      text,
      /\nwho took part in the model \(times, part of all times\)\n {2}cccccccc {6}1 {4}5\.00 %\n/,
    );
    assert.doesNotMatch(text, /norm|ledger/);
  }
});

test('says where the models differ, and where the overhead dominates', () => {
  const text = renderSummary(endOf(['f00d', 'beef'], 628_000));
  assert.match(text, /\n {2}the nodes hold 2 different models:\n {4}beef\n {4}f00d\n/);
  assert.match(text, /\n {2}2\.0 times more: for so few parameters the overhead dominates\n/);
});

test('the outcome of all is the worst of theirs, and none where a node is gone', () => {
  const { last } = endOf(['f00d', 'f00d'], 1);
  const [first, second] = last.nodes;
  const with2 = (fields: Partial<RunView>, alive = true) =>
    outcomeOfAll({ ...last, nodes: [first!, { ...second!, alive, view: { ...second!.view!, ...fields } }] });
  assert.equal(outcomeOfAll(last), 'trained');
  assert.equal(with2({ modelHash: 'beef' }), 'forked');
  assert.equal(with2({ modelHash: 'beef', outcome: 'alone' }), 'alone');
  assert.equal(with2({ outcome: 'late' }), 'late');
  assert.equal(with2({ phase: 'draining' }), null);
  assert.equal(with2({}, false), null);
  const mixing = last.nodes.map((node, index) => ({
    ...node,
    view: { ...node.view!, modelHash: String(index), agreement: null },
  }));
  assert.equal(outcomeOfAll({ ...last, nodes: mixing }), 'trained', 'each has a model of its own');
});

test('a node that did not train is named with what to do, and one model of nothing is not praised', () => {
  const end = endOf(['f00d', 'f00d'], 1);
  const untrained = { outcome: 'untrained', outcomeText: 'untrained: nothing: do this' } as const;
  const nodes = end.last.nodes.map((node) => ({ ...node, view: { ...node.view!, ...untrained } }));
  const result = { ...end.result, countedRounds: 0, outcome: 'untrained' } as const;
  const text = renderSummary(
    { ...end, result, last: { ...end.last, nodes } },
    (tone, words) => `<${tone}>${words}`,
  );
  assert.match(text, /\n {2}<bad>all 2 nodes hold f00d\n {2}<bad>node-00 {2}untrained: nothing: do this\n/);
  assert.match(text, /\noutcome: untrained; bootstraps alive: 0; 0 of 10 rounds counted, in 12\.3 s/);
});

test('says beside what each node would have alone, where it was told to compare', () => {
  const end = endOf(['f00d', 'f00d'], 6280);
  const nodes = end.last.nodes.map((node) => ({
    ...node,
    view: node.view && { ...node.view, alone: { accuracy: 0.7511, loss: 1, steps: 300 } },
  }));
  const text = renderSummary({ ...end, last: { ...end.last, nodes } });
  assert.match(text, /\n {2}node-00 {2}90\.00 %, alone 75\.11 %\n {2}node-01 {2}90\.00 %, alone 75\.11 %\n/);
});

test('names the sites where the data tells them apart', () => {
  const end = endOf(['f00d', 'f00d'], 6280);
  const members = ['a', 'longer \u001b'].map((site, node) => ({
    name: `node-0${node}`,
    data: `/data/${site}.csv`,
  }));
  const state = { ...end.testnet.state, members: members as unknown as typeof end.testnet.state.members };
  const text = renderSummary({ ...end, testnet: { ...end.testnet, state } });
  assert.match(text, /\n {2}node-00 a {9}90\.00 %\n {2}node-01 longer \? {2}90\.00 %\n/);
  assert.match(text, /\n {2}node-00 a {12}10 {3}70\.00 %\n/);
  assert.match(text, /\n {2}cccccccc {14}1 {4}5\.00 %\n/);
});

test('on a narrow terminal the confusion matrix comes in pieces that name their rows', () => {
  const confusion = [0, 1, 2].map((row) => [0, 1, 2].map((column) => 1000 * row + column));
  assert.deepEqual(matrixLines(confusion, String, 22), [
    '           0     1',
    '     0     0     1',
    '     1  1000  1001',
    '     2  2000  2001',
    '',
    '           2',
    '     0     2',
    '     1  1002',
    '     2  2002',
  ]);
  assert.equal(matrixLines(confusion, String, 24).length, 4);
});

test('a colour is no label: what is folded stands below what it goes on with', () => {
  const painted = renderSummary(endOf(['f00d', 'f00d'], 6280), (_tone, text) => `<${text}>`);
  assert.match(painted, /\n {2}<all 2 nodes hold f00d>\n/);
});

test('of an alliance it is said what was voted, and where too few votes came in time', () => {
  const withVotes = (unjudged: number): string => {
    const end = endOf(['ab', 'ab'], 1000);
    const community = {
      ...{ arena: null, registry: null, authors: {} },
      alliance: { counts: { kept: 20, rolledBack: 1, unjudged }, standings: [] },
    };
    const nodes = end.last.nodes.map((node) => ({ ...node, view: node.view && { ...node.view, community } }));
    return renderSummary({ ...end, last: { ...end.last, nodes } });
  };
  assert.match(
    withVotes(39),
    /\nvotes of the members\n {2}on 60 rounds: 20 stand, 1 rolled back, no quorum for 39,/,
  );
  assert.match(withVotes(39), /\n {2}of 60 rounds that were voted on 39 had no quorum .*--slot-ms/);
  assert.doesNotMatch(withVotes(2), /--slot-ms/);
  assert.doesNotMatch(renderSummary(endOf(['ab', 'ab'], 1000)), /votes/);
});
