import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Learner } from '../../src/learning/learner.ts';
import { batchStreamKey } from '../../src/learning/learner.ts';
import { methodSchema } from '../../src/methods/registry.ts';
import { Cluster, keysOf } from '../cluster/cluster.ts';

const cheat = 3;
const [peers, rounds] = [6, 40];

/** Publishes the opposite of what it learned; what it is to audit it trains honestly. */
function cheating(learner: Learner, key: string, runId: () => string): Learner {
  return {
    ...learner,
    async train(request, signal) {
      const { parameters, loss } = await learner.train(request, signal);
      const isOwn = Array.from({ length: 2 * rounds }, (_, round) =>
        batchStreamKey(runId(), key, round),
      ).includes(request.streamKey);
      if (!isOwn) return { parameters, loss };
      return { loss, parameters: request.parameters.map((value, i) => 2 * value - parameters[i]!) };
    },
  };
}

test('of six real nodes one that does not train what it claims is found out, and nobody else', async (t) => {
  const strategy = methodSchema.parse({ id: 'delta-log', windowRounds: 4, audits: { rate: 0.4 } });
  const runId = { id: '' };
  const cluster = await Cluster.begin(
    peers,
    { strategy, rounds },
    {
      disguise: (index, learner) =>
        index === cheat ? cheating(learner, keysOf(peers)[cheat]!, () => runId.id) : learner,
    },
  );
  runId.id = cluster.runId;
  t.after(() => cluster.end());
  await cluster.finished();
  assert.equal(cluster.modelHashes().size, 1);
  const { shown } = cluster.nodes[0]!.session.status();
  const found = shown.filter(({ kind }) => kind === 'audit');
  const audits = cluster.nodes[0]!.events.filter(
    (event) => event.kind === 'accepted' && event.entryKind === 'audit',
  ).length;
  const published = cluster.nodes[0]!.events.filter(({ kind }) => kind === 'published').length;
  t.diagnostic(
    `${audits} audits heard by a node, ${published} deltas of its own; found out in round ${found[0]?.round}`,
  );
  assert.deepEqual(
    found.map(({ author }) => author),
    [keysOf(peers)[cheat]!],
  );
  assert.ok(audits > 10);
});
