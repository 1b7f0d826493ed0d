import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadRunSpec } from '../../src/config/run-file.ts';
import { Cluster } from './cluster.ts';

test('four nodes train the network of examples/own-model, which only its file describes, to one model', async (t) => {
  const { model, training } = await loadRunSpec('examples/own-model/run.yaml');
  const cluster = await Cluster.begin(4, { model, training: { ...training, localSteps: 8 }, slotMs: 1000 });
  t.after(() => cluster.end());
  await cluster.finished();
  assert.equal(cluster.modelHashes().size, 1);
  const { accuracy } = await cluster.evaluate(cluster.nodes[0]!.session.model());
  assert.ok(accuracy! > 0.4, `accuracy ${accuracy}, chance is 0.1`);
});
