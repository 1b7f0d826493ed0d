import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import type { ModelSpec } from '../../src/protocol/run-spec.ts';
import { DenseNetwork } from '../../src/training/dense-network.ts';
import { initialVector } from '../../src/training/initial.ts';
import { buildSequential, getVector, setVector } from '../../src/training/models.ts';
import { startBackend } from '../../src/training/tfjs-backend.ts';
import { smallDataset, smallModel } from './small-data.ts';

before(() => startBackend('wasm'));

const rows = 8;
const data = smallDataset('network', rows);
const inputs = data.inputs as Float32Array;
const targets = new Float32Array(rows * 3);
data.labels.forEach((label, row) => {
  targets[row * 3 + label] = 1;
});

/** The same steps by automatic differentiation over TensorFlow.js Layers and its own optimiser. */
function byAutomaticGradients(
  model: ModelSpec,
  start: Float32Array,
  steps: number,
  momentum: number,
): Float32Array {
  const sequential = buildSequential(model);
  setVector(sequential, model, start);
  const optimiser = momentum > 0 ? tf.train.momentum(0.3, momentum) : tf.train.sgd(0.3);
  const x = tf.tensor2d(inputs, [rows, 6]);
  const y = tf.tensor2d(targets, [rows, 3]);
  for (let step = 0; step < steps; step++) {
    optimiser.minimize(() => tf.losses.softmaxCrossEntropy(y, sequential.apply(x) as tf.Tensor) as tf.Scalar);
  }
  const end = getVector(sequential);
  optimiser.dispose();
  sequential.dispose();
  tf.dispose([x, y]);
  return end;
}

for (const model of [smallModel, { kind: 'logistic-regression', inputs: 6, outputs: 3 } as const]) {
  for (const momentum of [0, 0.9]) {
    test(`steps of a ${model.kind} with momentum ${momentum} equal those of automatic gradients`, () => {
      const tensorsBefore = tf.memory().numTensors;
      const start = initialVector(model, 3);
      const network = new DenseNetwork(model, start);
      for (let step = 0; step < 20; step++) {
        network.step(inputs, targets, rows, { learningRate: 0.3, momentum });
      }
      const end = network.read();
      network.dispose();
      // Before the oracle runs: the momentum optimiser of TensorFlow.js keeps a scalar of its own.
      assert.equal(tf.memory().numTensors, tensorsBefore);
      const expected = byAutomaticGradients(model, start, 20, momentum);
      const distance = Math.hypot(...end.map((value, index) => value - expected[index]!));
      const moved = Math.hypot(...end.map((value, index) => value - start[index]!));
      assert.ok(moved > 0.5, `the parameters moved by ${moved}`);
      assert.ok(distance < 1e-4 * moved, `off by ${distance} of ${moved}`);
    });
  }
}

test('500 steps leave no tensor and no data behind', () => {
  const before = [tf.memory().numTensors, tf.memory().numDataBuffers, tf.backend().numDataIds()];
  const network = new DenseNetwork(smallModel, initialVector(smallModel, 1));
  for (let step = 0; step < 500; step++) {
    network.step(inputs, targets, rows, { learningRate: 0.1, momentum: 0.5 });
  }
  network.probabilities(inputs, rows);
  network.dispose();
  assert.deepEqual([tf.memory().numTensors, tf.memory().numDataBuffers, tf.backend().numDataIds()], before);
});

test('a vector of another length is refused', () => {
  assert.throws(() => new DenseNetwork(smallModel, new Float32Array(5)), /has 131 parameters, the vector 5/);
});
