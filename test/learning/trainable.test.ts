import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { checkTrainable } from '../../src/learning/tfjs/trainable.ts';
import { type ModelSpec, modelSchema } from '../../src/tasks/models/registry.ts';
import { startBackend } from '../../src/tensor/tfjs-backend.ts';

const image = { height: 16, width: 16, channels: 3, outputs: 10 };
const model = (spec: object): ModelSpec => modelSchema.parse(spec);

before(() => startBackend('wasm'));

test('every kind of model can be trained, and the check leaves nothing behind', async () => {
  const before = tf.memory().numTensors;
  await checkTrainable(model({ kind: 'logistic-regression', inputs: 3, outputs: 2 }));
  await checkTrainable(model({ kind: 'mlp', inputs: 3, hidden: [4], outputs: 2 }));
  for (const kind of ['lenet', 'gn-lenet', 'resnet-8']) await checkTrainable(model({ kind, ...image }));
  await checkTrainable(model({ kind: 'gpt', context: 8, layers: 1, heads: 2, width: 8 }));
  assert.equal(tf.memory().numTensors, before);
});

test('a layer whose gradient has no kernel is refused by its name', async () => {
  const removed = tf.getKernel('Conv2DBackpropFilter', 'wasm');
  tf.unregisterKernel('Conv2DBackpropFilter', 'wasm');
  try {
    await assert.rejects(checkTrainable(model({ kind: 'resnet-8', ...image })), {
      code: 'LAYER_NOT_TRAINABLE',
      message:
        /^layer block_2\/shortcut of the resnet-8 cannot be trained: its gradient needs kernel Conv2DBackpropFilter,/,
    });
    await checkTrainable(model({ kind: 'mlp', inputs: 3, hidden: [4], outputs: 2 }));
  } finally {
    tf.registerKernel(removed);
  }
});
