import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { causalAttention } from '../../src/tensor/operations/attention.ts';
import { biasedConvolution } from '../../src/tensor/operations/convolution.ts';
import { crossEntropyRows } from '../../src/tensor/operations/cross-entropy.ts';
import { dense } from '../../src/tensor/operations/dense.ts';
import { embedding } from '../../src/tensor/operations/embedding.ts';
import { gelu } from '../../src/tensor/operations/gelu.ts';
import { groupNorm } from '../../src/tensor/operations/group-norm.ts';
import { layerNorm } from '../../src/tensor/operations/layer-norm.ts';
import { startBackend } from '../../src/tensor/tfjs-backend.ts';
import { compareBackends, filled } from './on-both-backends.ts';

before(() => startBackend('wasm'));

const width = fc.constantFrom(1, 2, 3, 4, 5, 8, 13, 17, 130);
const rows = fc.integer({ min: 1, max: 9 });
const activation = fc.constantFrom('linear' as const, 'relu' as const);

/** The result and the gradients by all inputs: our kernels on wasm against TensorFlow.js's own operations on cpu. */
function withGradients(f: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[]): tf.Tensor[] {
  const y = f(...inputs);
  return [y, ...tf.grads(f)(inputs, filled('dy', y.shape))];
}

describe('each operation and its gradients equal the plain ones on the cpu backend', () => {
  test('dense', () =>
    compareBackends(
      fc.record({ rows, width, units: width, activation }),
      ({ rows, width, units, activation }) =>
        withGradients(
          (x, kernel, bias) =>
            dense(x as tf.Tensor2D, kernel as tf.Tensor2D, bias as tf.Tensor1D, activation),
          [filled('x', [rows, width]), filled('kernel', [width, units]), filled('bias', [units])],
        ),
    ));

  test('convolution', () =>
    compareBackends(
      fc.record({
        rows: fc.integer({ min: 1, max: 3 }),
        inputs: fc.integer({ min: 1, max: 5 }),
        outputs: fc.constantFrom(1, 3, 8, 17),
        stride: fc.integer({ min: 1, max: 2 }),
        padding: fc.constantFrom('same' as const, 'valid' as const),
        activation,
      }),
      ({ rows, inputs, outputs, stride, padding, activation }) =>
        withGradients(
          (x, kernel, bias) =>
            biasedConvolution(x as tf.Tensor4D, kernel as tf.Tensor4D, bias as tf.Tensor1D, {
              stride,
              padding,
              activation,
            }),
          [
            filled('x', [rows, 6, 5, inputs]),
            filled('kernel', [3, 2, inputs, outputs]),
            filled('bias', [outputs]),
          ],
        ),
      { runs: 60 },
    ));

  test('layer normalisation', () =>
    compareBackends(
      // Of one number the variance is 0, and the roundings of either way are as large as the gradient.
      fc.record({ rows, width: width.filter((width) => width > 2) }),
      ({ rows, width }) =>
        withGradients(
          (x, gain, bias) => layerNorm(x as tf.Tensor2D, gain as tf.Tensor1D, bias as tf.Tensor1D),
          [filled('x', [rows, width]), filled('gain', [width]), filled('bias', [width])],
        ),
      { tolerance: 1e-4 },
    ));

  test('group normalisation', () =>
    compareBackends(
      fc.record({
        rows: fc.integer({ min: 1, max: 3 }),
        height: fc.integer({ min: 2, max: 5 }),
        groups: fc.constantFrom(1, 2, 3, 5),
        each: fc.constantFrom(1, 2, 3, 4, 7),
        activation,
      }),
      ({ rows, height, groups, each, activation }) =>
        withGradients(
          (x, gain, bias) =>
            groupNorm(x as tf.Tensor4D, groups, gain as tf.Tensor1D, bias as tf.Tensor1D, activation),
          [
            filled('x', [rows, height, 3, groups * each]),
            filled('gain', [groups * each]),
            filled('bias', [groups * each]),
          ],
        ),
      { tolerance: 1e-4 },
    ));

  test('gelu', () =>
    compareBackends(fc.record({ rows, width }), ({ rows, width }) =>
      withGradients((x) => gelu(tf.mul(x, 6) as tf.Tensor2D), [filled('x', [rows, width])]),
    ));

  test('cross-entropy', () =>
    compareBackends(fc.record({ rows, width: width.filter((width) => width > 1) }), ({ rows, width }) => {
      const labels = tf.tensor1d(
        Array.from({ length: rows }, (_, row) => (7 * row) % width),
        'int32',
      );
      return withGradients(
        (logits) => crossEntropyRows(tf.mul(logits, 20) as tf.Tensor2D, labels),
        [filled('logits', [rows, width])],
      );
    }));

  test('causal attention', () =>
    compareBackends(
      fc.record({
        rows: fc.integer({ min: 1, max: 3 }),
        context: fc.constantFrom(1, 2, 5, 16, 67, 130),
        heads: fc.integer({ min: 1, max: 3 }),
        depth: fc.constantFrom(1, 3, 4, 9),
      }),
      ({ rows, context, heads, depth }) =>
        withGradients(
          (qkv) => causalAttention(tf.mul(qkv, 2) as tf.Tensor2D, { rows, context, heads }),
          [filled('qkv', [rows * context, 3 * heads * depth])],
        ),
      { runs: 30 },
    ));

  test('embedding', () =>
    compareBackends(fc.record({ rows, width }), ({ rows, width }) => {
      const ids = tf.tensor2d(
        Array.from({ length: 12 }, (_, i) => (i * i) % rows),
        [3, 4],
        'int32',
      );
      return withGradients((table) => embedding(table as tf.Tensor2D, ids), [filled('table', [rows, width])]);
    }));
});

describe('numbers of PyTorch 1.13', () => {
  // Made with torch.nn.functional.{layer_norm, group_norm, softmax} and autograd on these inputs, in float32.
  const near = (actual: tf.Tensor, expected: readonly number[]): void => {
    const values = Array.from(actual.dataSync());
    assert.equal(values.length, expected.length);
    for (const [at, value] of values.entries()) {
      assert.ok(Math.abs(value - expected[at]!) < 3e-6, `${at}: ${value}, not ${expected[at]}`);
    }
  };

  test('layer normalisation', () => {
    tf.tidy(() => {
      const x = tf.tensor2d([0.5, -1, 2, 3, 0.25, -0.75], [2, 3]);
      const [gain, bias] = [tf.tensor1d([1.5, -0.5, 2]), tf.tensor1d([0.1, 0.2, 0.3])];
      const dy = tf.tensor2d([1, 2, -1, 0.5, -0.25, 1], [2, 3]);
      near(layerNorm(x, gain, bias), [0.1, 0.81237036, 2.74948144, 2.14979053, 0.38395554, -1.69723177]);
      const by = tf.grads((x, gain, bias) =>
        layerNorm(x as tf.Tensor2D, gain as tf.Tensor1D, bias as tf.Tensor1D),
      );
      const [dx, dGain, dBias] = by([x, gain, bias], dy);
      near(dx!, [1.63298774, -0.81649113, -0.81649661, 0.16115957, -0.60435253, 0.4431929]);
      near(dGain!, [0.68326354, -2.35750365, -2.22335672]);
      near(dBias!, [1.5, 1.75, 0]);
    });
  });

  test('group normalisation', () => {
    tf.tidy(() => {
      const x = tf.tensor4d([0.5, -1, 2, 0.25, 1, 0.75, -2, 3], [1, 2, 1, 4]);
      const [gain, bias] = [tf.tensor1d([1.5, -0.5, 2, 1]), tf.tensor1d([0.1, 0.2, 0.3, 0.4])];
      const dy = tf.tensor4d([1, 2, -1, 0.5, -0.5, 1, 0.25, -1.5], [1, 2, 1, 4]);
      near(
        groupNorm(x, 2, gain, bias),
        [0.46144575, 1.04337335, 1.55078363, 0.10376178, 1.42530096, -0.08112445, -2.66238213, 1.55203748],
      );
      const by = tf.grads((x, gain, bias) =>
        groupNorm(x as tf.Tensor4D, 2, gain as tf.Tensor1D, bias as tf.Tensor1D),
      );
      const [dx, dGain, dBias] = by([x, gain, bias], dy);
      near(
        dx!,
        [2.08317232, -0.44566339, -0.40568355, 0.44162965, -1.03639817, -0.6011107, -0.16175747, 0.1258114],
      );
      near(dGain!, [-0.20080316, -2.81124425, -0.99568957, -1.8761754]);
      near(dBias!, [0.5, 3, -0.75, -1]);
    });
  });

  test('gelu', () => {
    tf.tidy(() => {
      near(gelu(tf.tensor2d([[-3, -0.5, 0, 0.7, 4]])), [-0.00363743, -0.154286, 0, 0.53057015, 3.9999299]);
    });
  });

  test('causal attention', () => {
    tf.tidy(() => {
      const qkv = tf.tensor2d([
        [0.1, -0.2, 0.3, 0.4, 1, -1],
        [0.5, 0.6, -0.7, 0.8, 0, 2],
        [-0.9, 1, 1.1, -1.2, 3, 0.5],
      ]);
      near(
        causalAttention(qkv, { rows: 1, context: 3, heads: 1 }),
        [1, -1, 0.54583293, 0.36250126, 0.42732838, 1.11089134],
      );
    });
  });
});

test('a label that is no class reads no other memory', () => {
  tf.tidy(() => {
    const losses = crossEntropyRows(tf.tensor2d([[1, 2], [3, 4]]), tf.tensor1d([1_000_000, -5], 'int32')); // biome-ignore format: rows
    assert.ok(Array.from(losses.dataSync()).every(Number.isFinite));
  });
});

test('what is not a number stays so', () => {
  tf.tidy(() => {
    const logits = tf.tensor2d([[Number.NaN, 1, 2]]);
    assert.ok(Number.isNaN(crossEntropyRows(logits, tf.tensor1d([1], 'int32')).dataSync()[0]));
    assert.ok(Number.isNaN(gelu(logits).dataSync()[0]));
    const [gain, bias] = [tf.ones<tf.Rank.R1>([3]), tf.zeros<tf.Rank.R1>([3])];
    assert.ok(Number.isNaN(layerNorm(logits, gain, bias).dataSync()[1]));
  });
});
