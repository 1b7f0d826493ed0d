import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadScenario } from '../../sim/scenario/scenario.ts';
import { ConfigError } from '../../src/config/config-error.ts';

const run = `run:
  name: tiny
  model: { kind: logistic-regression, inputs: 784, outputs: 10 }
  task: { kind: idx-images }
  rounds: 3
  slotMs: 1000
`;

describe('loadScenario', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'starlings-scenario-'));
  });
  after(() => rm(folder, { recursive: true }));

  async function write(text: string): Promise<string> {
    const file = join(folder, 'scenario.yaml');
    await writeFile(file, text);
    return file;
  }

  it('loads every scenario that ships', async () => {
    const names = (await readdir('configs/sim')).filter((name) => name.endsWith('.yaml'));
    assert.ok(names.includes('mnist-32.yaml'));
    for (const name of names) assert.ok((await loadScenario(join('configs/sim', name))).peers > 0);
  });

  it('refuses tensors of a peer of its own, which one learner for all does not have', async () => {
    const file = await write(
      `peers: 2\n${run.replace('rounds: 3', 'rounds: 3\n  shared: [dense_0/kernel]')}`,
    );
    await assert.rejects(loadScenario(file), /run\.shared: one learner trains for all virtual peers/);
  });

  it('takes the run from its file, lays the overrides over it and replaces its seed', async () => {
    const { run: resolved, network, peers } = await loadScenario('configs/sim/mnist-32.yaml');
    assert.equal(peers, 32);
    assert.equal(resolved.name, 'mnist-mlp');
    assert.equal(resolved.rounds, 50);
    assert.equal(resolved.training.localSteps, 30);
    assert.equal(resolved.strategy.id === 'delta-log' && resolved.strategy.expectedPeers, 32);
    assert.equal(network.floodPublish, true);
    const seeded = await loadScenario(await write(`seed: 77\npeers: 4\n${run}`));
    assert.equal(seeded.run.seed, 77);
    assert.equal(seeded.data.dataset, 'mnist');
  });

  it('takes data beside the scenario', async () => {
    const scenario = await loadScenario(await write(`peers: 4\ndata: { dataset: images }\n${run}`));
    assert.equal(scenario.data.dataset, join(folder, 'images'));
  });

  const wrong: readonly (readonly [string, string, RegExp])[] = [
    [
      'an unknown key',
      `peers: 4\npears: 5\n${run}`,
      /scenario\.yaml:2:1: pears: unknown key; did you mean peers/,
    ],
    ['no run', 'peers: 4\n', /scenario\.yaml:1:1: runFile: give either runFile or run/],
    ['two runs', `peers: 4\nrunFile: x.yaml\n${run}`, /scenario\.yaml:2:\d+: runFile: .*not both/],
    [
      'a peer that is not there',
      `peers: 4\nchurn:\n  - { peer: 4 }\n${run}`,
      /:3:\d+: churn\[0\]\.peer: there are peers 0 to 3/,
    ],
    [
      'a restart before the crash',
      `peers: 4\nchurn:\n  - { peer: 1, crashAtRound: 3, restartAtRound: 2 }\n${run}`,
      /:3:\d+: churn\[0\]\.restartAtRound: must come after/,
    ],
    [
      'a crash and a leave',
      `peers: 4\nchurn:\n  - { peer: 1, crashAtRound: 3, leaveAtRound: 2 }\n${run}`,
      /:3:\d+: churn\[0\]\.leaveAtRound: who leaves neither crashes nor vanishes/,
    ],
    [
      'a leave before the join',
      `peers: 4\nchurn:\n  - { peer: 1, joinAtRound: 3, leaveAtRound: 2 }\n${run}`,
      /:3:\d+: churn\[0\]\.leaveAtRound: must come after joinAtRound/,
    ],
    [
      'more departures than there are',
      `peers: 4\nchurnModel: { vanishShare: 0.6, leaveShare: 0.5 }\n${run}`,
      /:2:\d+: churnModel\.leaveShare: with vanishShare \(0\.6\) it exceeds 1/,
    ],
    [
      'negative latency',
      `peers: 4\nnetwork: { latencyMs: { min: -1, max: 5 } }\n${run}`,
      /:2:\d+: network\.latencyMs\.min: expected at least 0, got -1/,
    ],
    [
      'a latency range that is upside down',
      `peers: 4\nnetwork: { latencyMs: { min: 9, max: 5 } }\n${run}`,
      /:2:\d+: network\.latencyMs\.min: must not exceed max/,
    ],
    [
      'overrides that cannot be',
      `peers: 4\noverrides: { strategy: { id: delta-log, admitRounds: 9, windowRounds: 4 } }\n${run}`,
      /overrides\.strategy\.admitRounds: must be below windowRounds/,
    ],
    ['a run file that is not there', 'peers: 4\nrunFile: nowhere.yaml\n', /nowhere\.yaml: no such file/],
  ];
  for (const [what, text, expected] of wrong) {
    it(`refuses ${what}, and says where`, async () => {
      await assert.rejects(loadScenario(await write(text)), (error: unknown) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, expected);
        return true;
      });
    });
  }
});
