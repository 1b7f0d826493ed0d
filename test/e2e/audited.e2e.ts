import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Learner } from '../../src/learning/learner.ts';
import { batchStreamKey } from '../../src/learning/learner.ts';
import { methodSchema } from '../../src/methods/registry.ts';
import { Cluster, keysOf } from '../cluster/cluster.ts';
import { eventually } from '../network/real-hosts.ts';

const cheat = 3;
const [peers, rounds] = [6, 40];
/** With its friend, which comes to whatever it came to. */
const [hider, friend, hiddenRounds] = [7, 6, 72];

/** Publishes the opposite of what it learned; what it is to audit it trains honestly. */
function cheating(learner: Learner, key: string, runId: () => string): Learner {
  return {
    ...learner,
    async train(request, signal) {
      const { parameters, loss } = await learner.train(request, signal);
      const isOwn = Array.from({ length: 4 * rounds }, (_, round) =>
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

test('of eight real nodes one that cheats, is linked with a friend alone and takes no other call loses its weight, and nobody else', async (t) => {
  const strategy = methodSchema.parse({ id: 'delta-log', windowRounds: 4, audits: { rate: 0.4 } });
  const runId = { id: '' };
  const key = keysOf(hider + 1)[hider]!;
  const cluster = await Cluster.begin(
    hider + 1,
    { strategy, rounds: hiddenRounds },
    {
      disguise: (index, learner) =>
        index === hider || index === friend ? cheating(learner, key, () => runId.id) : learner,
      friendsOf: (index) => (index === hider ? [friend] : null),
    },
  );
  runId.id = cluster.runId;
  t.after(() => cluster.end());
  const isOver = (): boolean => cluster.nodes.every(({ session }) => session.status().phase === 'finished');
  await eventually('all have finished', isOver, 600_000);
  const { shown, contributions } = cluster.nodes[0]!.session.status();
  const out = shown.filter(({ silenced }) => silenced);
  t.diagnostic(JSON.stringify([shown, [...contributions]]));
  assert.deepEqual(
    out.map(({ author }) => author),
    [key],
  );
  assert.match(out[0]!.text, /could not see what it had trained/);
  assert.ok(contributions.get(key)!.deltas < hiddenRounds, 'for a part of the run it carried no weight');
});
