/** Models of layers against TensorFlow.js Layers, which computes them by itself. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { initialVector } from '../../src/learning/initial.ts';
import { predict } from '../../src/learning/tfjs/inference.ts';
import { Network } from '../../src/learning/tfjs/network.ts';
import { checkTrainable } from '../../src/learning/tfjs/trainable.ts';
import { rngFor } from '../../src/math/rng.ts';
import { trainingSchema } from '../../src/run/run-spec.ts';
import { readLayers } from '../../src/tasks/models/layers/read-layers.ts';
import { inputsOf, parameterCount } from '../../src/tasks/models/model-layout.ts';
import { modelKindOf, modelSchema } from '../../src/tasks/models/registry.ts';
import { startBackend } from '../../src/tensor/tfjs-backend.ts';
import { fillWeights, models, savedJson } from '../tasks/layers-oracle.ts';
import { randomBatch } from './random-batch.ts';

before(() => startBackend('wasm'));
const rows = 6;

for (const [title, build] of Object.entries(models)) {
  describe(`layers: ${title}`, () => {
    test('give what TensorFlow.js Layers gives', async () => {
      const theirs = build();
      const vector = fillWeights(theirs, title);
      const model = modelSchema.parse(readLayers(await savedJson(theirs)));
      assert.equal(modelKindOf(model).impossible?.(model) ?? null, null);
      assert.equal(parameterCount(model), vector.length);
      const inputs = new Float32Array(rows * inputsOf(model));
      rngFor(`layers/inputs/${title}`).fillUniform(inputs, -1, 1);
      const ours = await predict(model, vector, inputs);
      const expected = tf.tidy(() => {
        const shape = theirs.inputs[0]!.shape.slice(1) as number[];
        return (theirs.predict(tf.tensor(inputs, [rows, ...shape])) as tf.Tensor).dataSync();
      });
      theirs.dispose();
      assert.equal(ours.probabilities.length, expected.length);
      ours.probabilities.forEach((value, at) => {
        assert.ok(Math.abs(value - expected[at]!) < 1e-5, `${value} at ${at}, not ${expected[at]}`);
      });
    });

    test('can be trained, each weight down its own gradient', async () => {
      const theirs = build();
      const model = readLayers(await savedJson(theirs));
      theirs.dispose();
      await checkTrainable(model);
      const start = initialVector(model, 3);
      const batch = randomBatch(model, 4, title);
      const rate = 1e-3;
      const network = await Network.load(model, start);
      network.step(batch, trainingSchema.parse({}), rate);
      const stepped = network.read();
      network.dispose();
      const rng = rngFor(`layers/differences/${title}`);
      for (let draw = 0; draw < 3; draw++) {
        const direction = Float32Array.from(start, () => rng.uniform(-1, 1));
        const slope = start.reduce(
          (sum, value, i) => sum + ((value - stepped[i]!) / rate) * direction[i]!,
          0,
        );
        const measured = ((await lossAt(1e-4)) - (await lossAt(-1e-4))) / 2e-4;
        assert.ok(
          Math.abs(slope - measured) < 0.05 * Math.abs(measured) + 0.02,
          `${slope}, differences ${measured}`,
        );

        async function lossAt(distance: number): Promise<number> {
          const moved = await Network.load(
            model,
            start.map((value, i) => value + distance * direction[i]!),
          );
          const { lossSum } = moved.judge(batch);
          moved.dispose();
          return lossSum / batch.labels.length;
        }
      }
    });
  });
}
