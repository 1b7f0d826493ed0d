/** Gradients of single examples, of all models: the fast way, the way by the definition, and each example alone. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { initialVector } from '../../../src/learning/initial.ts';
import { clipFactor } from '../../../src/learning/tfjs/clipped-gradients.ts';
import { FrozenModel } from '../../../src/learning/tfjs/frozen-model.ts';
import { Network } from '../../../src/learning/tfjs/network.ts';
import type { Batch } from '../../../src/tasks/datasets/dataset.ts';
import { frozenOf } from '../../../src/tasks/models/model-layout.ts';
import {
  externalFactsOf,
  isNoModel,
  type ModelSpec,
  modelKinds,
  modelSchema,
} from '../../../src/tasks/models/registry.ts';
import { classification } from '../../../src/tasks/objective.ts';
import { fusedKernels } from '../../../src/tensor/operations/fused-kernels.ts';
import { startBackend } from '../../../src/tensor/tfjs-backend.ts';
import { randomBatch } from '../random-batch.ts';

before(() => startBackend('wasm'));

const trainedVector = (model: ModelSpec): Float32Array => initialVector(model, 7).map((value) => 3 * value);

async function load(model: ModelSpec): Promise<Network> {
  const base = frozenOf(model);
  return Network.load(model, trainedVector(model), base && new FrozenModel(base, trainedVector(base)));
}

function exampleOf({ inputs, labels, rows }: Batch, row: number): Batch {
  const part = <T extends Float32Array | Int32Array>(values: T): T =>
    values.slice((row * values.length) / rows, ((row + 1) * values.length) / rows) as T;
  return { rows: 1, inputs: part(inputs), labels: part(labels) };
}

const squareOf = (vector: Float32Array): number => vector.reduce((sum, value) => sum + value * value, 0);

/** By batches of one. */
function alone(network: Network, batch: Batch): { gradients: Float32Array[]; loss: number } {
  const each = Array.from({ length: batch.rows }, (_, row) =>
    network.gradient(exampleOf(batch, row), classification),
  );
  return {
    gradients: each.map(({ gradient }) => gradient),
    loss: each.reduce((sum, { loss }) => sum + loss, 0),
  };
}

function near(actual: Float32Array, expected: ArrayLike<number>, share: number): void {
  const scale = Math.sqrt(squareOf(Float32Array.from(expected)) / expected.length) + 1e-12;
  actual.forEach((value, at) => {
    const off = Math.abs(value - expected[at]!);
    assert.ok(off <= share * (Math.abs(expected[at]!) + scale), `at ${at}: ${value} for ${expected[at]}`);
  });
}

/** Names of the kernels that ran. */
async function kernelsOf(act: () => void): Promise<Set<string>> {
  const { kernelNames } = await tf.profile(() => {
    act();
    return tf.scalar(0);
  });
  return new Set(kernelNames);
}

const kinds: readonly { readonly kind: string; readonly examples: readonly ModelSpec[] }[] = modelKinds;
const fast = ['mlp', 'logistic-regression', 'lenet', 'gn-lenet', 'resnet-8', 'gpt', 'gpt-lora'];
/** A small window in a long context, and layers that are wide for their short sequences. */
const more: ModelSpec[] = [
  modelSchema.parse({ kind: 'gpt', context: 8, layers: 1, heads: 2, width: 64 }),
  modelSchema.parse({ kind: 'lenet', height: 28, width: 28, channels: 1, outputs: 10 }),
];

for (const [name, model] of [
  ...kinds.flatMap(({ kind, examples }) => examples.map((one, at) => [`${kind} ${at}`, one] as const)),
  ...more.map((one) => [`${one.kind}, another`, one] as const),
]) {
  if (externalFactsOf(model) !== null || isNoModel(model)) continue;
  describe(`clipped gradients of ${name}`, () => {
    for (const rows of [1, 5]) {
      test(`of ${rows} examples`, async () => {
        const network = await load(model);
        const batch = randomBatch(model, rows, `clipped/${name}`);
        const { gradients, loss } = alone(network, batch);
        const norms = gradients.map((gradient) => Math.sqrt(squareOf(gradient)));
        const clipNorm = [...norms].sort((a, b) => a - b)[Math.floor(rows / 2)]!;
        const expected = new Float64Array(gradients[0]!.length);
        gradients.forEach((gradient, row) => {
          const factor = Math.min(1, clipNorm / norms[row]!);
          gradient.forEach((value, at) => {
            expected[at]! += factor * value;
          });
        });
        const before = tf.memory().numTensors;
        const found = network.clippedGradient(batch, clipNorm);
        assert.equal(tf.memory().numTensors, before, 'every tensor is disposed of');
        near(found.gradient, expected, 2e-3);
        assert.ok(Math.abs(found.loss - loss) < 1e-4 * (1 + loss));
        if (fast.includes(model.kind)) {
          const kernels = await kernelsOf(() => network.clippedGradient(batch, clipNorm));
          assert.ok(kernels.has(fusedKernels.exampleSquares), `${model.kind} has the fast way`);
        }
        network.dispose();
      });
    }
  });
}

describe('clipping', () => {
  test('no example adds more than the norm, however large it is', async () => {
    const model: ModelSpec = { kind: 'mlp', inputs: 20, hidden: [30], outputs: 4 };
    const network = await Network.load(
      model,
      initialVector(model, 1).map((value) => 50 * value),
    );
    for (let round = 0; round < 20; round++) {
      const { gradient } = network.clippedGradient(randomBatch(model, 1, `large/${round}`), 0.5);
      assert.ok(Math.sqrt(squareOf(gradient)) <= 0.5, 'rounding is on the safe side');
    }
    network.dispose();
  });

  test('a small gradient is left as it is, but for the reserve for rounding', () => {
    assert.ok(clipFactor(0.01, 1) > 0.9999 && clipFactor(0.01, 1) < 1);
    assert.ok(clipFactor(0, 1) < 1);
    assert.ok(Math.abs(clipFactor(100, 1) - 0.1) < 1e-5);
    assert.ok(Number.isNaN(clipFactor(Number.NaN, 1)));
  });
});
