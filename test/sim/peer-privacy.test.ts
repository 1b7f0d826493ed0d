/** Whole peers hidden in what they send: for thousands, and not for sixteen. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { impossibleScenario, resolveScenario, scenarioFileSchema } from '../../sim/scenario/scenario.ts';
import { runScenario } from '../../sim/simulation.ts';

/** How much of the way to the mean of all their points so many peers come, each within the same budget. */
async function wayOf(peers: number, peerPrivacy: object): Promise<number> {
  const committeeSize = Math.min(peers, 40);
  const content = scenarioFileSchema.parse({
    peers,
    signatures: 'simulated',
    learner: { id: 'quadratic', spread: 0.3, noise: 0.02 },
    run: {
      name: 'hidden-peers',
      model: { kind: 'logistic-regression', inputs: 7, outputs: 2 },
      task: { kind: 'idx-images' },
      training: { localSteps: 4, batchSize: 1, learningRate: 0.1 },
      strategy: {
        ...{
          id: 'delta-log',
          committeeSize,
          expectedPeers: peers,
          outerRate: 1 / committeeSize,
          normMax: 100,
        },
        ...{ codec: { id: 'int8', block: 16 }, peerPrivacy },
      },
      ...{ rounds: 12, slotMs: 20_000 },
    },
  });
  assert.equal(impossibleScenario(content), null);
  const scenario = resolveScenario(content, undefined, `hidden-${peers}`);
  const result = await runScenario(scenario, { wallNowMs: () => 0 });
  assert.equal(result.end, 'finished');
  assert.equal(result.models, 1);
  return result.accuracyMean;
}

test('within one budget sixteen peers learn nothing, and ten times as many learn more than half of what there is', async (context) => {
  const budget = { epsilon: 4, clipNorm: 0.3 };
  const few = await wayOf(16, { ...budget, publications: 12 });
  const many = await wayOf(160, { ...budget, publications: 5 });
  context.diagnostic(`of the way: 16 peers ${few.toFixed(2)}, 160 peers ${many.toFixed(2)}`);
  assert.ok(few < 0.3, String(few));
  assert.ok(many > 0.5, String(many));
});
