import assert from 'node:assert/strict';
import { test } from 'node:test';
import { distanceToMean } from '../../sim/final-models.ts';
import { initialVector } from '../../src/learning/initial.ts';
import { squaredDistance } from '../../src/math/vector.ts';
import { methodSchema } from '../../src/methods/registry.ts';
import { Cluster } from './cluster.ts';

test('five nodes that mix whole models at random learn and stay close to each other', async (t) => {
  const cluster = await Cluster.begin(5, { strategy: methodSchema.parse({ id: 'epidemic', fanout: 3 }) });
  t.after(() => cluster.end());
  await cluster.finished();
  for (const { session, events } of cluster.nodes) {
    assert.ok(
      events.some(({ kind }) => kind === 'finalised'),
      'averages were taken',
    );
    const { contributions } = session.status();
    assert.ok(contributions.size >= 2, `models of ${contributions.size} others arrived`);
    const { accuracy } = await cluster.evaluate(session.model());
    assert.ok(accuracy! > 0.25, `accuracy ${accuracy}, chance is 0.1`);
  }
  const { model, seed } = cluster.manifest;
  const models = cluster.nodes.map(({ session }) => session.model());
  const start = initialVector(model, seed);
  const moved = models.reduce((sum, end) => sum + squaredDistance(end, start), 0) / models.length;
  // Peers that never average drift apart about as far as they move.
  const distance = distanceToMean(models.map((model) => ({ model, count: 1 })));
  assert.ok(distance < 0.25 * moved, `${distance} apart after a way of ${moved}`);
});
