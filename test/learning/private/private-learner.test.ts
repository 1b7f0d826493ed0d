/** DP-SGD in the learner. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { initialVector } from '../../../src/learning/initial.ts';
import type { Learner, TrainRequest } from '../../../src/learning/learner.ts';
import { createTfjsLearner } from '../../../src/learning/tfjs/tfjs-learner.ts';
import { createThreadLearner } from '../../../src/learning/thread/learner-proxy.ts';
import { median } from '../../../src/math/statistics.ts';
import { mnistFolder } from '../../../src/tasks/data/idx-images/mnist-folder.ts';
import { taskSchema } from '../../../src/tasks/data/registry.ts';
import { modelSchema } from '../../../src/tasks/models/registry.ts';
import { smallDataset, smallModel, smallTraining } from '../small-data.ts';

const examples = 400;
const privacy = { clipNorm: 1, noiseMultiplier: 1 };
const parameters = initialVector(smallModel, 1);
const request: TrainRequest = { parameters, steps: 5, round: 0, streamKey: 'run/peer/1', share: 0, privacy };

function make(
  more: { batchSize?: number; learningRate?: number; privateChance?: 'named' } = {},
): Promise<Learner> {
  const { privateChance, ...training } = more;
  return createTfjsLearner({
    model: smallModel,
    training: { ...smallTraining, ...training },
    rounds: 10,
    shares: [smallDataset('train', examples), smallDataset('few', 4)],
    heldOut: smallDataset('held-out', 300),
    backend: 'wasm',
    ...(privateChance && { privateChance }),
  });
}

const distance = (a: Float32Array, b: Float32Array): number =>
  Math.sqrt(a.reduce((sum, value, at) => sum + (value - b[at]!) ** 2, 0));

describe('DP-SGD in the learner', () => {
  let learner: Learner;
  before(async () => {
    learner = await make();
  });
  after(() => learner.close());

  test('says with which probability an example takes part', () => {
    assert.equal(learner.samplingRates?.length, 2);
    assert.ok(Math.abs(learner.samplingRates![0]! - 8 / examples) < 1e-9);
    assert.equal(learner.samplingRates![1], 1, 'of a share that is smaller than a batch');
  });

  test('nobody can have the same result twice, but in a simulation', async () => {
    const [a, b] = [await learner.train(request), await learner.train(request)];
    assert.notDeepEqual(a.parameters, b.parameters);
    const simulated = await make({ privateChance: 'named' });
    const [c, d] = [await simulated.train(request), await simulated.train(request)];
    assert.deepEqual(c, d);
    assert.notDeepEqual(await simulated.train({ ...request, streamKey: 'run/peer/2' }), c);
    await simulated.close();
  });

  test('the noise of a step has the deviation that was asked for', async () => {
    const steps: number[] = [];
    for (let time = 0; time < 9; time++) {
      const noisy = { ...request, steps: 1, privacy: { clipNorm: 1e-6, noiseMultiplier: 5e6 } };
      steps.push(distance((await learner.train(noisy)).parameters, parameters));
    }
    // Deviation 5 in each coordinate, over 8 examples, times the learning rate of .2.
    const expected = (5 / 8) * 0.2 * Math.sqrt(parameters.length);
    assert.ok(Math.abs(median(steps) / expected - 1) < 0.1);
  });

  test('one example moves a step by the clip norm at most', async () => {
    const clipped = { ...request, steps: 1, share: 1, privacy: { clipNorm: 0.01, noiseMultiplier: 0 } };
    const { parameters: end } = await learner.train(clipped);
    // Four examples take part in every step of a batch of four: all of them.
    assert.ok(distance(end, parameters) <= (4 * 0.01 * 0.2) / 4);
  });

  test('learns: with little noise nearly as well as without', async () => {
    const big = await make({ batchSize: 100, learningRate: 0.5 });
    const long = { ...request, steps: 300 };
    const plain = await big.evaluate((await big.train({ ...long, privacy: undefined })).parameters);
    const private_ = await big.evaluate((await big.train(long)).parameters);
    assert.ok(
      private_.accuracy! > 0.8 && private_.accuracy! > plain.accuracy! - 0.12,
      `${private_.accuracy}`,
    );
    await big.close();
  });

  test('a step in which nobody takes part is noise alone', async () => {
    const rare = await make({ batchSize: 1 });
    const result = await rare.train({ ...request, steps: 40 });
    assert.ok(Number.isFinite(result.loss) && result.parameters.every(Number.isFinite));
    await rare.close();
  });
});

test('a learner in a thread tells its rates and trains privately too', async () => {
  const model = modelSchema.parse({ kind: 'mlp', inputs: 784, hidden: [8], outputs: 10 });
  const learner = await createThreadLearner({
    ...{ model, training: smallTraining, rounds: 1, dataPath: mnistFolder(), backend: 'wasm' },
    task: taskSchema.parse({ kind: 'idx-images' }),
  });
  assert.ok(learner.samplingRates![0]! > 0 && learner.samplingRates![0]! < 0.01);
  const start = initialVector(model, 1);
  const call = { parameters: start, steps: 2, round: 0, streamKey: 'a', share: 0, privacy };
  const [a, b] = [await learner.train(call), await learner.train(call)];
  assert.notDeepEqual(a.parameters, b.parameters);
  await learner.close();
});
