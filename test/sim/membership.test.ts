/** Runs that ask newcomers to show something, among virtual peers. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Engine } from '../../sim/engine.ts';
import { buildLearners } from '../../sim/learner.ts';
import { resolveScenario, scenarioFileSchema } from '../../sim/scenario/scenario.ts';
import { TrainingLine } from '../../sim/training-line.ts';
import { buildWorld } from '../../sim/world.ts';
import type { Membership } from '../../src/core/membership.ts';

function scenarioOf(membership: object, more: object = {}) {
  const content = scenarioFileSchema.parse({
    ...{ peers: 9, seed: 5, learner: { id: 'quadratic' } },
    run: {
      ...{ name: 'asked', task: { kind: 'idx-images' }, rounds: 12, slotMs: 1000, membership },
      model: { kind: 'logistic-regression', inputs: 20, outputs: 2 },
      strategy: { id: 'delta-log' },
    },
    ...more,
  });
  return resolveScenario(content, undefined, 'asked');
}

async function play(scenario: ReturnType<typeof scenarioOf>) {
  const { engine: options, peers, manifest, onTrained } = await buildWorld(scenario);
  const training = new TrainingLine(await buildLearners(scenario, peers, 1));
  const engine = new Engine(options, { training, ...(onTrained && { onTrained }) });
  await engine.run();
  const statuses = engine.nodes.map(({ core }) => core!.status(options.untilMs));
  return { statuses, manifest: manifest.manifest, keys: engine.nodes.map(({ plan }) => plan.key) };
}

const asked: readonly Membership[] = [
  { kind: 'work', bits: 6 },
  { kind: 'invite', depth: 2, invitations: 3 },
];

describe('a simulated run', () => {
  for (const membership of asked) {
    test(`of keys that show ${membership.kind} is trained by all, one that comes late among them, and ends in one model`, async () => {
      const churn = [{ peer: 8, joinAtRound: 5 }];
      const { statuses, manifest, keys } = await play(
        scenarioOf(membership, { churn, network: { loss: 0.05 } }),
      );
      assert.equal(manifest.membership.kind, membership.kind);
      assert.equal(new Set(statuses.map(({ modelHash }) => modelHash)).size, 1);
      for (const key of keys) assert.ok((statuses[0]!.contributions.get(key)?.deltas ?? 0) > 3);
      assert.ok(statuses.every(({ refused }) => refused['not-a-member'] === 0));
    });

    test(`of keys that show ${membership.kind} has attackers who show it too`, async () => {
      const adversaries = [{ peers: [4], behaviour: { id: 'equivocation' } }];
      const { statuses, keys } = await play(scenarioOf(membership, { adversaries }));
      assert.ok(statuses[0]!.refused.equivocation > 0);
      assert.equal(statuses[0]!.contributions.get(keys[4]!)?.deltas ?? 0, 0);
    });
  }

  test('says so where its peers cannot have what is asked', () => {
    assert.throws(
      () => scenarioOf({ kind: 'work', bits: 30 }),
      /bits must be at most 20 for 9 virtual peers/,
    );
    assert.throws(
      () => scenarioOf({ kind: 'invite', depth: 1, invitations: 4 }),
      /lets in 5 peers at most, by chains of 1 links and 4 invitations a key/,
    );
  });
});
