import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inlineBodyBytesMax } from '../../src/log/envelope.ts';
import { methodSchema } from '../../src/methods/registry.ts';
import { trainingSchema } from '../../src/run/run-spec.ts';
import { eventually } from '../network/real-hosts.ts';
import { Cluster } from './cluster.ts';

const shortWindow = { id: 'delta-log', expectedPeers: 5, windowRounds: 4, admitRounds: 2 };
const deadlineMs = 40_000;

test('five nodes that know one bootstrap end with one model that everyone contributed to', async (t) => {
  const cluster = await Cluster.begin(5, { strategy: methodSchema.parse(shortWindow) });
  t.after(() => cluster.end());
  await cluster.finished();
  assert.equal(cluster.modelHashes().size, 1);
  for (const { session, key } of cluster.nodes) {
    const { contributions, refused } = session.status();
    assert.equal(contributions.size, 5);
    assert.ok(contributions.get(key)!.deltas > 0);
    assert.equal(refused['bad-signature'] + refused.equivocation, 0);
  }
  const { accuracy } = await cluster.evaluate(cluster.nodes[0]!.session.model());
  assert.ok(accuracy! > 0.4, `accuracy ${accuracy}, chance is 0.1`);
});

test('a node that stops and starts again on its store publishes no round twice', async (t) => {
  const cluster = await Cluster.begin(4, { rounds: 12, strategy: methodSchema.parse(shortWindow) });
  t.after(() => cluster.end());
  const node = cluster.nodes[1]!;
  await eventually('it has published', () => node.rounds('published').length >= 3, deadlineMs);
  await node.stop();
  const before = node.rounds('published').length;
  // So that a slow machine does not turn a short absence into a long one, after which a node joins anew.
  cluster.clock.hold();
  await node.start();
  await cluster.linked();
  cluster.clock.release();
  await cluster.finished();

  const published = node.rounds('published');
  assert.ok(published.length > before, 'it went on training');
  assert.equal(new Set(published).size, published.length, `rounds ${published}`);
  assert.equal(cluster.modelHashes().size, 1);
  const counted = published.length - node.rounds('restored').length;
  for (const { session } of cluster.nodes) {
    const { contributions, refused } = session.status();
    assert.equal(refused.equivocation, 0);
    assert.equal(contributions.get(node.key)?.deltas, counted, 'every delta counts once, none is lost');
  }
});

test('bodies too large for an announcement are pulled, and the models agree', async (t) => {
  const codec = { id: 'sparse-sign', chunk: 4096, perChunk: 2048 };
  const cluster = await Cluster.begin(4, {
    model: { kind: 'mlp', inputs: 784, hidden: [512], outputs: 10 },
    training: trainingSchema.parse({ localSteps: 3 }),
    strategy: methodSchema.parse({ ...shortWindow, codec }),
    rounds: 6,
    slotMs: 800,
  });
  t.after(() => cluster.end());
  await cluster.finished();
  assert.equal(cluster.modelHashes().size, 1);
  for (const { session, events, networkEvents } of cluster.nodes) {
    const bodies = events.flatMap((event) => (event.kind === 'published' ? [event.bodyBytes] : []));
    assert.ok(bodies.length > 0 && bodies.every((bytes) => bytes > inlineBodyBytesMax), `bodies ${bodies}`);
    const answers = networkEvents.flatMap((event) => (event.kind === 'request-served' ? [event.bytes] : []));
    assert.ok(
      answers.some((bytes) => bytes > inlineBodyBytesMax),
      'somebody pulled a body from it',
    );
    assert.equal(session.status().contributions.size, 4);
  }
});
