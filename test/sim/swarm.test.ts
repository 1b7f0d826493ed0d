/**
 * Networks drawn from seeds, with loss, crashes, restarts and late joins: each must end with one model. The seeds
 * are those that showed a fault in the protocol once, and what it was.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveScenario, scenarioFileSchema } from '../../sim/scenario/scenario.ts';
import { runScenario } from '../../sim/simulation.ts';

const FAULTS: ReadonlyArray<readonly [seed: number, fault: string]> = [
  [11, 'a round was folded while a peer was known to hold a larger set'],
  [6, 'the same, after a crash and a late join'],
  [33, 'forks at the last rounds were never noticed, for nobody asked any more'],
  [35, 'a finished node did not wait for its neighbours to agree'],
  [39, 'one forced fold made every later one forced'],
  [79, 'three histories: whom to yield to depended on the neighbours'],
  [115, 'a node left the leaders of a fork before it had their whole history'],
  [111, 'a node that had yielded folded its own sets again before the leaders answered'],
];

const LOSS = [0, 0.1, 0.2, 0.3];

for (const [seed, fault] of FAULTS) {
  test(`seed ${seed}: ${fault}`, async () => {
    const peers = 4 + (seed % 9);
    const churn = [
      [
        { peer: 1, crashAtRound: 2.5, restartAtRound: 4.2 },
        { peer: 2, joinAtRound: 9 },
      ],
      [{ peer: 0, crashAtRound: 5.01, restartAtRound: 5.3 }],
      [],
    ][seed % 3];
    const content = scenarioFileSchema.parse({
      seed,
      peers,
      run: {
        name: 'swarm',
        model: { kind: 'logistic-regression', inputs: 784, outputs: 10 },
        task: { kind: 'idx-images' },
        training: { localSteps: 2 },
        strategy: { id: 'delta-log', expectedPeers: peers },
        rounds: 14,
        slotMs: 1000,
      },
      network: { loss: LOSS[seed % 4], degree: 4 },
      churn,
    });
    const scenario = resolveScenario(content, undefined, `swarm, seed ${seed}`);
    const result = await runScenario(scenario, { wallNowMs: () => 0 });
    assert.equal(result.end, 'finished');
    assert.equal(result.modelHashes.length, 1, `${result.modelHashes.length} models`);
  });
}
