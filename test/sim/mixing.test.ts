/** Every registered method, topology and aggregator as a manifest names it, in the simulator: learns, repeats itself, bears losses. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { resolveScenario, scenarioFileSchema } from '../../sim/scenario/scenario.ts';
import { runScenario, type SimulationResult } from '../../sim/simulation.ts';
import { aggregators } from '../../src/methods/aggregators/registry.ts';
import { methodSchema, methods, trains } from '../../src/methods/registry.ts';
import { topologies } from '../../src/methods/topologies/registry.ts';

const peers = 16;

function scenarioOf(strategy: object, changes: object = {}, rounds = 30) {
  const content = scenarioFileSchema.parse({
    seed: 3,
    peers,
    learner: { id: 'quadratic', spread: 0.3, noise: 0.02 },
    run: {
      name: 'methods',
      model: { kind: 'logistic-regression', inputs: 30, outputs: 2 },
      task: { kind: 'idx-images' },
      training: { localSteps: 4, learningRate: 0.05 },
      strategy,
      ...membersOf(strategy),
      rounds,
      slotMs: 1000,
    },
    signatures: 'simulated',
    trainingMs: { perStep: 20 },
    ...changes,
  });
  return resolveScenario(content, undefined, 'methods');
}

const play = (strategy: object, changes: object = {}, rounds = 30): Promise<SimulationResult> =>
  runScenario(scenarioOf(strategy, changes, rounds), { wallNowMs: () => 0 });

const examplesOf = (things: readonly { readonly examples: readonly object[] }[]) =>
  things.flatMap(({ examples }) => examples);

const strategies: readonly object[] = [
  ...examplesOf(methods).filter((example) => trains(methodSchema.parse(example))),
  { id: 'delta-log', codec: { id: 'int8', block: 64 }, overlap: 'mean' },
  { id: 'delta-log', codec: { id: 'top-k', chunk: 64, perChunk: 16, values: 'two-bit' } },
];
/** An alliance has members. */
const membersOf = (strategy: object) =>
  'alliance' in strategy ? { membership: { kind: 'invite', depth: 2, invitations: 8 } } : {};
/** Noise of whole peers drowns what sixteen learn; peer-privacy.test.ts has hundreds. */
const drowns = (strategy: object): boolean => 'peerPrivacy' in strategy;
/** Those that keep the averages of d-psgd. */
const doubly = topologies.filter(({ stochastic }) => stochastic === 'doubly');
const robust = aggregators.filter(({ id }) => id !== 'mean');

describe('strategies in the simulator', () => {
  for (const strategy of strategies) {
    test(`${JSON.stringify(strategy)} learns, and repeats itself`, async () => {
      const one = await play(strategy);
      const two = await play(strategy);
      assert.equal(one.traceHash, two.traceHash);
      assert.equal(one.end, 'finished');
      assert.ok(drowns(strategy) || one.accuracyMin > 0.5, `${one.accuracyMin} of the way`);
    });

    test(`${JSON.stringify(strategy)} bears losses, crashes and late comers`, async () => {
      const churn = [
        { peer: 2, crashAtRound: 8.5, restartAtRound: 11 },
        { peer: 3, joinAtRound: 6.2 },
        { peer: 4, crashAtRound: 20.3 },
      ];
      const { accuracyMean, end } = await play(strategy, { churn, network: { loss: 0.1 } });
      assert.equal(end, 'finished');
      assert.ok(drowns(strategy) || accuracyMean > 0.4, `${accuracyMean} of the way`);
    });
  }
});

describe('topologies in the simulator', () => {
  for (const topology of examplesOf(doubly)) {
    test(`d-psgd on ${JSON.stringify(topology)}`, async () => {
      const { accuracyMin, consensusDistance } = await play({ id: 'd-psgd', topology });
      assert.ok(accuracyMin > 0.6, `${accuracyMin} of the way`);
      assert.ok(consensusDistance < 2, String(consensusDistance));
    });
  }
});

describe('aggregators in the simulator', () => {
  for (const aggregator of examplesOf(robust)) {
    test(`${JSON.stringify(aggregator)} against two of sixteen that flip signs twenty times`, async () => {
      const adversaries = [{ behaviour: { id: 'sign-flip', factor: 20 }, peers: [3, 11] }];
      const strategy = { id: 'd-psgd', topology: { id: 'random-regular', degree: 6 } };
      const helpless = await play(strategy, { adversaries });
      const defended = await play({ ...strategy, aggregator }, { adversaries });
      assert.ok(helpless.accuracyMean < 0.3, `the mean: ${helpless.accuracyMean}`);
      assert.ok(defended.accuracyMean > helpless.accuracyMean + 0.2, `${defended.accuracyMean} of the way`);
    });
  }
});

test('what cannot be is refused with its bound', () => {
  const refused: readonly (readonly [object, RegExp])[] = [
    [
      { id: 'choco', topology: { id: 'base-graph', degree: 1 } },
      /needs fixed ones; base-graph has others in every round/,
    ],
    [{ id: 'd-psgd', topology: { id: 'epidemic-local' } }, /averages drift without push-sum/],
    [{ id: 'd-psgd', codec: { id: 'top-k' } }, /top-k is biased and needs error feedback/],
    [
      { id: 'diloco', codec: { id: 'top-k', chunk: 64, perChunk: 8 }, aggregator: { id: 'krum', f: 1 } },
      /nearly orthogonal/,
    ],
    [
      { id: 'd-psgd', aggregator: { id: 'krum', f: 2 } },
      /at least 7 vectors \(2f \+ 3 with f = 2\); here at most 3/,
    ],
    [{ id: 'd-psgd', topology: { id: 'random-regular', degree: 16 } }, /at most 15 neighbours, not 16/],
    [{ id: 'moshpit', dimensions: 5 }, /1 to 4 axes/],
    [{ id: 'gossip-learning', tokensMin: 5, tokensMax: 4 }, /must not exceed tokensMax \(4\)/],
    [{ id: 'diloco', aggregator: { id: 'loss-gate' } }, /scores models, diloco sends changes/],
  ];
  for (const [strategy, message] of refused) assert.throws(() => scenarioOf(strategy), message);
});

test('traffic per peer does not grow with the network: a committee of four, groups of a grid, three random peers', async () => {
  for (const strategy of [
    { id: 'delta-log', committeeSize: 4, codec: { chunk: 64, perChunk: 8 }, snapshotRounds: 4 },
    { id: 'epidemic', fanout: 3 },
    { id: 'noloco' },
  ]) {
    const bytes: number[] = [];
    // Far apart: how many a committee draws in twelve rounds weighs more than the size of the network (113 kB at 128 peers, 91 at 512).
    for (const count of [32, 512]) {
      const named = strategy.id === 'delta-log' ? { ...strategy, expectedPeers: count } : strategy;
      const { bytesPerPeer } = await play(named, { peers: count, network: { degree: 6 } }, 12);
      bytes.push(bytesPerPeer);
    }
    assert.ok(bytes[1]! < 1.25 * bytes[0]!, `${strategy.id}: ${bytes.join(' and ')} bytes`);
  }
});
