import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { initialVector } from '../../src/learning/initial.ts';
import { FrozenModel } from '../../src/learning/tfjs/frozen-model.ts';
import { Network } from '../../src/learning/tfjs/network.ts';
import { rngFor } from '../../src/math/rng.ts';
import { trainingSchema } from '../../src/run/run-spec.ts';
import { loadTaskData } from '../../src/tasks/data/registry.ts';
import {
  formOf,
  frozenOf,
  modelLayout,
  outputsOf,
  parameterCount,
} from '../../src/tasks/models/model-layout.ts';
import {
  externalFactsOf,
  isNoModel,
  type ModelSpec,
  modelKindOf,
  modelKinds,
  modelSchema,
} from '../../src/tasks/models/registry.ts';
import { startBackend } from '../../src/tensor/tfjs-backend.ts';
import { randomBatch } from './random-batch.ts';

/** Stands for one: where training begins weights are so small that adapters have little slope to go down. */
const trainedVector = (model: ModelSpec): Float32Array => initialVector(model, 7).map((value) => 5 * value);

/** On such a model where it adds to one. */
function load(model: ModelSpec, vector: Float32Array): Promise<Network> {
  const base = frozenOf(model);
  if (base === null) return Network.load(model, vector);
  const key = JSON.stringify(base);
  const frozen = frozenModels.get(key) ?? new FrozenModel(base, trainedVector(base));
  frozenModels.set(key, frozen);
  return Network.load(model, vector, frozen);
}
const frozenModels = new Map<string, FrozenModel>();

const sgd = trainingSchema.parse({});

before(() => startBackend('wasm'));

test('the models have the sizes of the literature', () => {
  const size = (spec: object) => parameterCount(modelSchema.parse(spec));
  const cifar = { height: 32, width: 32, channels: 3, outputs: 10 };
  assert.equal(size({ kind: 'gn-lenet', ...cifar }), 89_834);
  assert.equal(size({ kind: 'lenet', height: 28, width: 28, channels: 1, outputs: 10 }), 61_706);
  assert.equal(size({ kind: 'resnet-8', ...cifar }), 77_850);
  // 256 d + T d + L (12 d^2 + 13 d) + 2 d.
  assert.equal(size({ kind: 'gpt' }), 256 * 128 + 128 * 128 + 4 * (12 * 128 ** 2 + 13 * 128) + 2 * 128);
});

/** Those that a node can compute itself. */
const models = modelKinds
  .flatMap(({ examples }): readonly ModelSpec[] => examples)
  .filter((model) => externalFactsOf(model) === null && !isNoModel(model));

test('what a trainer alone can begin and compute is refused wherever a node would have to', async () => {
  const model = modelSchema.parse({ kind: 'external', parameters: 3, initHash: '5a'.repeat(32) });
  const refused = { code: 'NEEDS_TRAINER', message: /by its trainer alone: start the node with --trainer/ };
  assert.throws(() => initialVector(model, 1), refused);
  await assert.rejects(Network.load(model, new Float32Array(3)), refused);
  await assert.rejects(loadTaskData({ kind: 'external', options: {} }, model, '.'), {
    code: 'BAD_DATA_FILE',
  });
});

test('adapters begin at the model that they add to, and are merged into it', async () => {
  const model = modelSchema.parse({
    ...{ kind: 'gpt-lora', context: 16, layers: 2, heads: 2, width: 24, rank: 3, alpha: 6 },
  });
  const base = frozenOf(model)!;
  const frozen = trainedVector(base);
  const batch = randomBatch(model, 3, 'models/adapters');
  const answersOf = async (network: Network): Promise<Float32Array> => {
    const answers = network.probabilities(batch.inputs, batch.rows);
    network.dispose();
    return answers;
  };
  const alone = await answersOf(await Network.load(base, frozen));
  const start = initialVector(model, 1);
  assert.deepEqual(await answersOf(await load(model, start)), alone);
  const rng = rngFor('adapters');
  const trained = start.map(() => rng.uniform(-0.3, 0.3));
  const [together, merged] = [
    await answersOf(await load(model, trained)),
    await answersOf(await Network.load(base, await modelKindOf(model).merge!(model, frozen, trained))),
  ];
  let moved = 0;
  for (const [at, value] of together.entries()) {
    assert.ok(Math.abs(value - merged[at]!) < 1e-5, `${at}: ${value}, merged ${merged[at]}`);
    moved = Math.max(moved, Math.abs(value - alone[at]!));
  }
  assert.ok(moved > 0.001);
  // r (inputs + outputs) for each layer: attention 24 + 72 and 24 + 24, feed forward 24 + 96 and 96 + 24.
  assert.equal(parameterCount(model), 2 * 3 * (96 + 48 + 120 + 120));
  await assert.rejects(Network.load(model, start), /adds to a trained model, which is not here/);
  const other = new FrozenModel(
    { ...base, layers: 1 } as ModelSpec,
    initialVector({ ...base, layers: 1 } as ModelSpec, 7),
  );
  await assert.rejects(Network.load(model, start, other), /does not add to this gpt/);
  other.dispose();
});

for (const model of models) {
  describe(model.kind, () => {
    const start = initialVector(model, 1);
    const batch = randomBatch(model, 3, `models/${model.kind}`);

    test('its tensors cover the vector without gaps and under different names', () => {
      const layout = modelLayout(model);
      let at = 0;
      for (const tensor of layout) {
        assert.equal(tensor.at, at);
        assert.equal(
          tensor.length,
          tensor.shape.reduce((a, b) => a * b, 1),
        );
        at += tensor.length;
      }
      assert.equal(at, start.length);
      assert.equal(new Set(layout.map(({ name }) => name)).size, layout.length);
    });

    const asLayers = modelKindOf(model).asLayers?.(model);
    test('is the same as layers, where it says so', {
      skip: asLayers === undefined && 'it is no layers',
    }, async () => {
      const shapesOf = (of: ModelSpec) => modelLayout(of).map(({ name, shape }) => [name, shape]);
      assert.deepEqual(shapesOf(asLayers!), shapesOf(model));
      const [own, other] = [await load(model, start), await load(asLayers!, start)];
      const expected = own.probabilities(batch.inputs, batch.rows);
      other.probabilities(batch.inputs, batch.rows).forEach((value, at) => {
        assert.ok(Math.abs(value - expected[at]!) < 1e-5, `${value} at ${at}, not ${expected[at]}`);
      });
      for (const network of [own, other]) network.dispose();
    });

    test('a step goes down the gradient: central differences of the loss', async () => {
      const rate = 1e-3;
      const network = await load(model, start);
      network.step(batch, sgd, rate);
      const stepped = network.read();
      network.dispose();
      const rng = rngFor(`differences/${model.kind}`);
      const direction = Float32Array.from(start, () => rng.uniform(-1, 1));
      const slope = start.reduce((sum, value, i) => sum + ((value - stepped[i]!) / rate) * direction[i]!, 0);
      const lossAt = async (distance: number): Promise<number> => {
        const moved = await load(
          model,
          start.map((value, i) => value + distance * direction[i]!),
        );
        const { lossSum } = moved.judge(batch);
        moved.dispose();
        return lossSum / batch.labels.length;
      };
      // Small, as ReLU and maxima bend the loss everywhere.
      const h = 3e-6;
      const measured = ((await lossAt(h)) - (await lossAt(-h))) / (2 * h);
      const tolerance = 0.05 * Math.abs(measured) + 0.05;
      assert.ok(Math.abs(slope - measured) < tolerance, `gradient ${slope}, differences ${measured}`);
    });

    test('learns a batch by heart, leaves no tensor behind, and gives the same bits again', async () => {
      const before = tf.memory().numTensors;
      const learn = async (): Promise<{ vector: Float32Array; first: number; last: number }> => {
        const network = await load(model, start);
        const first = network.step(batch, sgd, 0.05);
        for (let step = 0; step < 60; step++) network.step(batch, sgd, 0.05);
        const last = network.judge(batch).lossSum / batch.labels.length;
        const vector = network.read();
        network.dispose();
        return { vector, first, last };
      };
      const once = await learn();
      assert.ok(once.last < 0.8 * once.first, `from ${once.first} to ${once.last}`);
      assert.deepEqual((await learn()).vector, once.vector);
      assert.equal(tf.memory().numTensors, before);
    });

    const skip = formOf(model) !== 'bytes' && 'it takes no text';
    test('what comes later in a text changes nothing of what is said before', { skip }, async () => {
      const network = await load(model, start);
      const said = (bytes: readonly number[]) => network.probabilities(Int32Array.from(bytes), 1);
      const whole = said([7, 80, 200, 31, 255, 0, 9, 12]);
      const other = said([7, 80, 200, 31, 4, 99, 180, 1]);
      const alone = said([7, 80, 200, 31]);
      network.dispose();
      const known = 4 * outputsOf(model);
      alone.forEach((value, at) => {
        assert.ok(Math.abs(value - whole[at]!) < 1e-6, `${whole[at]} at ${at}, not ${value}`);
      });
      assert.deepEqual(whole.subarray(0, known), other.subarray(0, known));
      assert.notDeepEqual(whole, other);
    });

    test('probabilities are distributions', async () => {
      const network = await load(model, start);
      const probabilities = network.probabilities(batch.inputs, batch.rows);
      network.dispose();
      const outputs = outputsOf(model);
      for (let at = 0; at < probabilities.length; at += outputs) {
        const sum = probabilities.subarray(at, at + outputs).reduce((a, b) => a + b, 0);
        assert.ok(Math.abs(sum - 1) < 1e-5);
      }
    });
  });
}
