/**
 * The bits of trained weights. They are the same on every machine and engine, because WebAssembly without relaxed operations
 * is, and because nothing that enters comes from Math.exp, Math.pow or their like. Rounds can be audited while this holds.
 */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { initialVector, vectorHash } from '../../src/learning/initial.ts';
import { learningRateAt } from '../../src/learning/schedule.ts';
import { Network } from '../../src/learning/tfjs/network.ts';
import { type TrainingSpec, trainingSchema } from '../../src/run/run-spec.ts';
import type { Batch } from '../../src/tasks/datasets/dataset.ts';
import type { ModelSpec } from '../../src/tasks/models/registry.ts';
import { startBackend } from '../../src/tensor/tfjs-backend.ts';
import { randomBatch } from './random-batch.ts';

interface Case {
  readonly name: string;
  readonly model: ModelSpec;
  readonly training: TrainingSpec;
  /** SHA-256 of the little-endian float32 weights after 50 steps; the same on Node 22 and 24. */
  readonly hash: string;
}

const image = { height: 16, width: 16, channels: 3, outputs: 10 };
const cases: readonly Case[] = [
  {
    name: 'MLP, momentum',
    model: { kind: 'mlp', inputs: 50, hidden: [33, 17], outputs: 10 },
    training: trainingSchema.parse({ optimiser: { id: 'sgd', momentum: 0.9 }, clipNorm: 1 }),
    hash: '692a266ea2709b000b4f7d9d8f0bb35194531de4a624aee61ffe2cde781ca872',
  },
  {
    name: 'CNN with group normalisation, SGD',
    model: { kind: 'gn-lenet', ...image },
    training: trainingSchema.parse({ schedule: { id: 'linear', warmUpSteps: 5 } }),
    hash: 'e1509e18e242c756347242a18a722ef5148ecdf520ff216b346845de3ddb8022',
  },
  {
    name: 'residual CNN, Adam',
    model: { kind: 'resnet-8', ...image },
    training: trainingSchema.parse({ optimiser: { id: 'adam' }, learningRate: 1e-3 }),
    hash: '79a4a5d46bb0426364198a9434a48c51073bf0577e9142cf007da2d356ff1a45',
  },
  {
    name: 'GPT, AdamW on a cosine',
    model: { kind: 'gpt', context: 24, layers: 2, heads: 3, width: 36 },
    training: trainingSchema.parse({
      optimiser: { id: 'adamw' },
      learningRate: 1e-3,
      schedule: { id: 'cosine', warmUpSteps: 10 },
      clipNorm: 1,
    }),
    hash: '5b2186e703d482a399136f74da3ea8cf5d9539cf8e5ee4555366ef84436fb81f',
  },
];

const steps = 50;

const batchOf = (model: ModelSpec, step: number): Batch =>
  randomBatch(model, 5, `reproducible/${model.kind}/${step}`);

async function train(model: ModelSpec, training: TrainingSpec): Promise<Float32Array> {
  const network = await Network.load(model, initialVector(model, 7));
  for (let step = 0; step < steps; step++) {
    const rate = learningRateAt(training.schedule, training.learningRate, step, steps);
    network.step(batchOf(model, step), training, rate);
  }
  const vector = network.read();
  network.dispose();
  return vector;
}

before(() => startBackend('wasm'));

describe('weights after 50 steps', () => {
  for (const { name, model, training, hash } of cases) {
    test(name, async () => {
      const vector = await train(model, training);
      assert.ok(vector.every(Number.isFinite));
      assert.equal(vectorHash(vector), hash);
    });
  }
});

test('10,000 steps leave no tensor and take no more memory than the first hundred', async () => {
  const model: ModelSpec = { kind: 'mlp', inputs: 10, hidden: [8], outputs: 3 };
  const training = trainingSchema.parse({ optimiser: { id: 'adamw' }, clipNorm: 1 });
  const backend = tf.backend() as unknown as { wasm: { asm: { memory: WebAssembly.Memory } } };
  const memoryNow = (): unknown => {
    const { numTensors, numDataBuffers, numBytes } = tf.memory();
    return { numTensors, numDataBuffers, numBytes, wasmBytes: backend.wasm.asm.memory.buffer.byteLength };
  };
  const batch = batchOf(model, 0);
  const network = await Network.load(model, initialVector(model, 7));
  for (let step = 0; step < 100; step++) network.step(batch, training, 1e-3);
  const before = memoryNow();
  for (let step = 100; step < 10_000; step++) network.step(batch, training, 1e-3);
  assert.deepEqual(memoryNow(), before);
  network.dispose();
});
