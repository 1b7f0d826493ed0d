/** Every strategy that mixes models, over real libp2p nodes: they learn, and their models stay close. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { consensusDistance, squaredDistance } from '../../src/math/vector.ts';
import { strategySchema } from '../../src/protocol/run-spec.ts';
import { initialVector } from '../../src/training/initial.ts';
import { Cluster } from './cluster.ts';

const strategies = [
  { id: 'd-psgd', topology: { id: 'ring' }, aggregator: { id: 'median' } },
  { id: 'epidemic', fanout: 2, aggregator: { id: 'loss-gate', factor: 5 }, codec: { id: 'int8' } },
  { id: 'ad-psgd' },
  { id: 'sgp', topology: { id: 'one-peer-exponential' } },
  { id: 'gossip-learning', partitions: 2 },
  {
    id: 'choco',
    topology: { id: 'ring' },
    gamma: 0.3,
    codec: { id: 'top-k', perChunk: 1024, values: 'fp16' },
  },
  { id: 'diloco', momentum: 0.5 },
  { id: 'noloco' },
  { id: 'moshpit', dimensions: 2 },
];

describe('strategies over real nodes', () => {
  for (const fields of strategies) {
    test(`${fields.id}: four nodes learn together`, async (t) => {
      const strategy = strategySchema.parse(fields);
      const cluster = await Cluster.begin(4, { strategy, rounds: 8 });
      t.after(() => cluster.end());
      await cluster.finished(40_000);
      const models = cluster.nodes.map(({ core }) => core.model());
      for (const { core, events } of cluster.nodes) {
        const { contributions, refused } = core.status(cluster.nowMs());
        assert.ok(contributions.size >= 1, 'parcels of others arrived');
        assert.equal(refused['bad-body'] + refused.malformed + refused['not-a-member'], 0);
        assert.ok(events.some(({ kind }) => kind === 'published'));
        const { accuracy } = await cluster.evaluate(core.model());
        assert.ok(accuracy > 0.2, `accuracy ${accuracy}, chance is 0.1`);
      }
      const initial = initialVector(cluster.manifest.model, cluster.manifest.seed);
      const moved = models.reduce((sum, model) => sum + squaredDistance(model, initial), 0) / models.length;
      assert.ok(consensusDistance(models) < moved, 'closer to each other than to the start');
    });
  }
});
