/** Nodes over libp2p of which one has its model trained by a program in another language. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { methodSchema } from '../../src/methods/registry.ts';
import { trainerLearners } from '../../src/node/learners.ts';
import { trainingSchema } from '../../src/run/run-spec.ts';
import { writeIdxImages, writeIdxLabels } from '../../src/tasks/data/idx-images/idx-file.ts';
import { idxFiles, readPair } from '../../src/tasks/data/idx-images/idx-folder.ts';
import { mnistFolder } from '../../src/tasks/data/idx-images/mnist-folder.ts';
import {
  nodeTrainer,
  numpyTrainer,
  plainTrainer,
  withoutNumpy,
  withoutPython,
} from '../learning/process/trainers.ts';
import { Cluster } from './cluster.ts';

const line = withoutPython ? nodeTrainer : withoutNumpy ? plainTrainer : numpyTrainer;

test('three nodes on TensorFlow.js and one on a trainer of its own end with one model that all contributed to', async (t) => {
  if (withoutNumpy) t.diagnostic(`${withoutNumpy}: ${line}`);
  const printed: string[] = [];
  const learners = trainerLearners({ line }, (_, text) => printed.push(text));
  const cluster = await Cluster.begin(
    4,
    {
      strategy: methodSchema.parse({ id: 'delta-log', expectedPeers: 4, windowRounds: 4, admitRounds: 2 }),
      training: trainingSchema.parse({ localSteps: 6, batchSize: 16, learningRate: 0.2 }),
    },
    { own: { learners, data: await someImages(t) } },
  );
  t.after(() => cluster.end());
  await cluster.finished();
  assert.equal(cluster.modelHashes().size, 1);
  const [own] = cluster.nodes;
  assert.match(own!.session.view().backend ?? '', /^(numpy|plain|node)-mlp 1: /);
  for (const { session } of cluster.nodes) {
    const { contributions } = session.status();
    assert.equal(contributions.size, 4);
    assert.ok(
      contributions.get(own!.key)!.deltas > 0,
      'what the trainer learned is in the model of everyone',
    );
  }
  const { accuracy } = await cluster.evaluate(own!.session.model());
  assert.ok(accuracy! > 0.4, `accuracy ${accuracy}, chance is 0.1`);
  assert.deepEqual(printed, []);
});

/** A few of MNIST: those trainers are slow. */
async function someImages(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'starlings-trainer-data-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const { trainImages, trainLabels, heldOutImages, heldOutLabels } = idxFiles;
  for (const [imagesFile, labelsFile, count] of [
    [trainImages, trainLabels, 1000],
    [heldOutImages, heldOutLabels, 100],
  ] as const) {
    const { images, labels } = await readPair(mnistFolder(), imagesFile, labelsFile);
    const pixels = images.pixels.subarray(0, count * images.rows * images.columns);
    await writeIdxImages(join(folder, imagesFile), { ...images, count, pixels });
    await writeIdxLabels(join(folder, labelsFile), labels.subarray(0, count));
  }
  return folder;
}
