/** A real node that is stopped in the middle of a training: its peers have what it came to, whether it rides in the announcement or is pulled. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Learner } from '../../src/learning/learner.ts';
import { methodSchema } from '../../src/methods/registry.ts';
import { eventually } from '../network/real-hosts.ts';
import { Cluster } from './cluster.ts';

const deadlineMs = 40_000;
const leaver = 1;

/** From the third training on it takes for ever, or until it is told that it is enough. */
function slowing(learner: Learner): { readonly learner: Learner; readonly isWaiting: () => boolean } {
  let [trainings, waits] = [0, false];
  return {
    isWaiting: () => waits,
    learner: {
      ...learner,
      async train(request, signal, enough) {
        trainings += 1;
        if (trainings < 3) return learner.train(request, signal, enough);
        waits = true;
        await new Promise<void>((resolve) => {
          for (const one of [signal, enough]) one?.addEventListener('abort', () => resolve(), { once: true });
        });
        return learner.train(request, signal, enough);
      },
    },
  };
}

for (const [how, hidden, perChunk] of [
  ['in the announcement', 16, 64],
  ['pulled', 512, 2048],
] as const) {
  test(`what a training came to when a node was stopped reaches its peers: ${how}`, async (t) => {
    let slow: ReturnType<typeof slowing> | null = null;
    const codec = { id: 'sparse-sign', chunk: 4096, perChunk };
    const cluster = await Cluster.begin(
      4,
      {
        model: { kind: 'mlp', inputs: 784, hidden: [hidden], outputs: 10 },
        rounds: 8,
        slotMs: 800,
        strategy: methodSchema.parse({
          ...{ id: 'delta-log', expectedPeers: 4, windowRounds: 4, admitRounds: 2, codec },
        }),
      },
      {
        disguise(index, learner) {
          if (index !== leaver) return learner;
          slow = slowing(learner);
          return slow.learner;
        },
      },
    );
    t.after(() => cluster.end());
    const node = cluster.nodes[leaver]!;
    await eventually('it trains without end', () => slow?.isWaiting() ?? false, deadlineMs);
    const before = node.rounds('published').length;
    await node.stop();
    assert.equal(node.rounds('published').length, before + 1);
    const others = cluster.nodes.filter((one) => one !== node);
    await cluster.finished(others);
    for (const { session } of others)
      assert.equal(session.status().contributions.get(node.key)?.deltas, before + 1);
  });
}
