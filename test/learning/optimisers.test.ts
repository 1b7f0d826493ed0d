import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { Optimiser } from '../../src/learning/tfjs/optimisers/optimiser.ts';
import { type OptimiserSpec, optimiserSchema } from '../../src/run/run-spec.ts';
import { startBackend } from '../../src/tensor/tfjs-backend.ts';
import { compareBackends, filled } from '../tensor/on-both-backends.ts';

before(() => startBackend('wasm'));

const specs: Readonly<Record<string, OptimiserSpec>> = {
  sgd: optimiserSchema.parse({ id: 'sgd' }),
  momentum: optimiserSchema.parse({ id: 'sgd', momentum: 0.9 }),
  adam: optimiserSchema.parse({ id: 'adam' }),
  adamw: optimiserSchema.parse({ id: 'adamw', weightDecay: 0.1 }),
};

/** Parameters of these sizes after five steps. */
function afterSteps(spec: OptimiserSpec, clipNorm: number | null, sizes: readonly number[]): tf.Tensor[] {
  const parameters = sizes.map((size, index) => filled(`parameter/${index}`, [size]));
  const optimiser = new Optimiser(spec, clipNorm, parameters);
  for (let step = 0; step < 5; step++) {
    const gradients = sizes.map((size, index) => filled(`gradient/${step}/${index}`, [size]));
    optimiser.step(gradients, 0.1);
  }
  optimiser.dispose();
  return parameters;
}

const sizes = fc.array(fc.constantFrom(1, 2, 3, 4, 5, 17, 130), { minLength: 1, maxLength: 4 });
const clipNorm = fc.constantFrom(null, 0.5, 1e6);

describe('steps in place equal those of plain operations on the cpu backend', () => {
  for (const [name, spec] of Object.entries(specs)) {
    test(name, () =>
      compareBackends(
        fc.record({ sizes, clipNorm }),
        ({ sizes, clipNorm }) => afterSteps(spec, clipNorm, sizes),
        { runs: 40 },
      ),
    );
  }
});

describe('numbers of PyTorch 1.13', () => {
  // Made with torch.optim.AdamW(lr=0.1, weight_decay=0.01) and torch.optim.SGD(lr=0.1, momentum=0.9).
  const gradients = [[0.5, -1, 0], [0.25, 2, -0.1], [-1, 0.5, 0.3]]; // biome-ignore format: a row each step
  const cases = [
    { spec: optimiserSchema.parse({ id: 'adamw' }), expected: [0.8247138858, -1.9723448753, 0.5304164886] },
    { spec: specs['momentum']!, expected: [0.9169999957, -2.1589999199, 0.4889999926] },
  ];
  for (const { spec, expected } of cases) {
    test(spec.id, () => {
      const parameters = [tf.tensor1d([1, -2, 0.5])];
      const optimiser = new Optimiser(spec, null, parameters);
      for (const gradient of gradients) {
        const tensor = tf.tensor1d(gradient);
        optimiser.step([tensor], 0.1);
        tensor.dispose();
      }
      const values = parameters[0]!.dataSync();
      for (const [at, value] of expected.entries()) assert.ok(Math.abs(values[at]! - value) < 1e-6);
      optimiser.dispose();
      tf.dispose(parameters);
    });
  }
});

test('a clipped norm: the step is as long as the limit says', () => {
  const parameters = [tf.zeros([3]), tf.zeros([1])];
  const gradients = [tf.tensor1d([2, 0, 4]), tf.tensor1d([4])];
  const optimiser = new Optimiser(specs['sgd']!, 3, parameters);
  optimiser.step(gradients, 1);
  assert.deepEqual(Array.from(parameters[0]!.dataSync()), [-1, 0, -2]);
  assert.deepEqual(Array.from(parameters[1]!.dataSync()), [-2]);
  tf.dispose([parameters, gradients]);
});

test('parameters that were rewritten in place are what the next forward pass sees', () => {
  // The backend's own kernels keep packed copies of filters by their tensor, which a rewritten one would not reach.
  const x = filled<tf.Rank.R4>('x', [1, 4, 4, 2]);
  const parameters = [filled<tf.Rank.R4>('filter', [3, 3, 2, 3])];
  const pass = (): Float32Array =>
    tf.tidy(() => tf.conv2d(x, parameters[0] as tf.Tensor4D, 1, 'same').dataSync<'float32'>());
  const before = pass();
  const optimiser = new Optimiser(specs['sgd']!, null, parameters);
  const same = tf.clone(parameters[0]!);
  optimiser.step([same], 1);
  assert.ok(before.some((value) => value !== 0));
  assert.ok(pass().every((value) => value === 0));
  tf.dispose([x, same, parameters]);
});
