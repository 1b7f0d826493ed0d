/** What votes of an alliance cost on the wire, beside the deltas that they are about. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveScenario, type Scenario, scenarioFileSchema } from '../../sim/scenario/scenario.ts';
import { runScenario } from '../../sim/simulation.ts';
import { ballotRounds } from '../../src/entries/ballot/ballot-kind.ts';

const peers = 64;
const admitRounds = 1;

function scenarioOf(alliance: Record<string, unknown> | null): Scenario {
  const content = scenarioFileSchema.parse({
    ...{ seed: 7, peers, learner: { id: 'quadratic' } },
    run: {
      name: 'alliance',
      model: { kind: 'mlp', inputs: 784, hidden: [64], outputs: 10 },
      task: { kind: 'idx-images' },
      strategy: {
        ...{ id: 'delta-log', expectedPeers: peers, committeeSize: peers, judging: null, kinds: [] },
        codec: { chunk: 64, perChunk: 8 },
        ...{ admitRounds, judgingRounds: ballotRounds(admitRounds).fold },
        ...(alliance ? { alliance } : {}),
      },
      ...{ rounds: 5, slotMs: 5000, ...(alliance ? { membership: { kind: 'invite' } } : {}) },
    },
  });
  return resolveScenario(content, undefined, 'alliance');
}

test('an alliance of 64 costs at most a tenth more bytes than its deltas, and is one model', async (t) => {
  const plain = await runScenario(scenarioOf(null), { wallNowMs: () => 0 });
  const voting = await runScenario(scenarioOf({}), { wallNowMs: () => 0 });
  const ratio = voting.bytesPerPeer / plain.bytesPerPeer;
  t.diagnostic(
    `bytes with votes / without: ${ratio.toFixed(4)} (${voting.bytesPerPeer} / ${plain.bytesPerPeer})`,
  );
  assert.ok(ratio > 1 && ratio <= 1.1, String(ratio));
});
