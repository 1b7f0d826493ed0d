/** Every strategy that mixes models, over real libp2p nodes: they learn, and their models stay close. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { distanceToMean } from '../../sim/final-models.ts';
import { initialVector } from '../../src/learning/initial.ts';
import { squaredDistance } from '../../src/math/vector.ts';
import { decodeState } from '../../src/methods/mixing/parcel-coding.ts';
import { methodSchema } from '../../src/methods/registry.ts';
import { PushSumLedger } from '../../src/methods/sgp/push-sum-ledger.ts';
import { eventually } from '../network/real-hosts.ts';
import { Cluster } from './cluster.ts';

const strategies = [
  { id: 'd-psgd', topology: { id: 'ring' }, aggregator: { id: 'median' } },
  { id: 'epidemic', fanout: 2, aggregator: { id: 'loss-gate', factor: 5 }, codec: { id: 'int8-stochastic' } },
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
      const strategy = methodSchema.parse(fields);
      const cluster = await Cluster.begin(4, { strategy, rounds: 8 });
      t.after(() => cluster.end());
      await cluster.finished();
      const models = cluster.nodes.map(({ session }) => session.model());
      for (const { session, events } of cluster.nodes) {
        const { contributions, refused } = session.status();
        assert.ok(contributions.size >= 1, 'parcels of others arrived');
        assert.equal(refused['bad-body'] + refused.malformed + refused['not-a-member'], 0);
        assert.ok(events.some(({ kind }) => kind === 'published'));
        const { accuracy } = await cluster.evaluate(session.model());
        assert.ok(accuracy! > 0.2, `accuracy ${accuracy}, chance is 0.1`);
      }
      const initial = initialVector(cluster.manifest.model, cluster.manifest.seed);
      const moved = models.reduce((sum, model) => sum + squaredDistance(model, initial), 0) / models.length;
      assert.ok(
        distanceToMean(models.map((model) => ({ model, count: 1 }))) < moved,
        'closer to each other than to the start',
      );
    });
  }

  test('sgp: a node that leaves hands its mass on, and the sum stays four', async (t) => {
    const strategy = methodSchema.parse({ id: 'sgp', topology: { id: 'one-peer-exponential' } });
    const cluster = await Cluster.begin(4, { strategy, rounds: 12 });
    t.after(() => cluster.end());
    const [leaver, ...others] = cluster.nodes;
    await eventually(
      'the leaver has published three rounds',
      () => leaver!.rounds('published').length >= 3,
      60_000,
    );
    await leaver!.stop();
    await cluster.finished(others);
    for (const node of cluster.nodes) await node.stop();
    const { length } = initialVector(cluster.manifest.model, cluster.manifest.seed);
    const ledgers = (await cluster.storedStates('self/model')).map((state) => {
      const ledger = new PushSumLedger(new Float64Array(length), 0);
      ledger.restore(decodeState(state, length)!);
      return ledger;
    });
    // They number each other in the order of their keys. What is under way is taken back in a ledger that is read.
    const keys = cluster.nodes.map(({ key }) => key).toSorted();
    let weight = 0;
    for (const [node, ledger] of ledgers.entries()) {
      weight += ledger.weight;
      const from = keys.indexOf(cluster.nodes[node]!.key);
      for (const transfer of ledger.outgoing()) {
        const receiver = ledgers[cluster.nodes.findIndex(({ key }) => key === keys[transfer.to])]!;
        if (receiver.hasTaken(from, transfer.id)) weight -= transfer.weight;
      }
    }
    assert.ok(Math.abs(weight - 4) < 1e-6, `weights sum to ${weight}`);
  });
});
