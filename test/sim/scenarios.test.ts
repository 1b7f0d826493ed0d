import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadScenario, type Scenario } from '../../sim/scenario/scenario.ts';
import { runScenario } from '../../sim/simulation.ts';
import { logOf } from '../../src/methods/registry.ts';

const folder = join(import.meta.dirname, '../../configs/sim');
const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml'));

/** The same world with next to no training, and no more than two hundred peers. */
function small(scenario: Scenario): Scenario {
  const { run } = scenario;
  // Functions have no examples to protect.
  const { privacy: _, ...training } = run.training;
  return {
    ...scenario,
    peers: Math.min(scenario.peers, 200),
    learner: { id: 'quadratic', spread: 0.5, noise: 0 },
    run: {
      ...run,
      rounds: Math.min(run.rounds, 40),
      model: { kind: 'logistic-regression', inputs: 7, outputs: 2 },
      training: { ...training, learningRate: 0.001 },
    },
  };
}

describe('the scenarios that come with starlings', () => {
  for (const file of files) {
    it(`${file} runs to its end`, async () => {
      const scenario = small(await loadScenario(join(folder, file)));
      const result = await runScenario(scenario, { wallNowMs: () => 0 });
      assert.equal(result.end, 'finished');
      // One in which nobody is drawn to publish is not spent.
      assert.ok(result.roundsBegun >= scenario.run.rounds);
      if (logOf(scenario.run.strategy)) assert.equal(result.models, 1);
    });
  }
});
