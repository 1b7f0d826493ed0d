import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { startBackend } from '../../src/tensor/tfjs-backend.ts';
import { installWasmKernels } from '../../src/tensor/wasm-kernels/install.ts';
import { compareBackends, filled } from './on-both-backends.ts';

const batch = fc.constantFrom<number[][]>([], [1], [3], [2, 2]);
const side = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 13, max: 70 }));

test('matrix products with any batch and transposition', () =>
  compareBackends(
    fc.record({
      batchA: batch,
      isBroadcast: fc.boolean(),
      m: side,
      k: side,
      n: side,
      transposeA: fc.boolean(),
      transposeB: fc.boolean(),
    }),
    ({ batchA, isBroadcast, m, k, n, transposeA, transposeB }) => {
      const a = filled('a', [...batchA, ...(transposeA ? [k, m] : [m, k])]);
      const batchB = isBroadcast ? batchA.map(() => 1) : batchA;
      const b = filled('b', [...batchB, ...(transposeB ? [n, k] : [k, n])]);
      return [tf.matMul(a, b, transposeA, transposeB)];
    },
    { runs: 120 },
  ));

test('products deeper and wider than a block', () =>
  compareBackends(
    fc.constantFrom({ m: 3, k: 1025, n: 7 }, { m: 103, k: 5, n: 1031 }, { m: 1, k: 513, n: 2049 }),
    ({ m, k, n }) => [tf.matMul(filled('a', [m, k]), filled('b', [k, n]))],
    { runs: 9 },
  ));

test('a row of a product has the same bits whatever stands beside it', async () => {
  await startBackend('wasm');
  const product = (rows: number): Float32Array =>
    tf.tidy(() => {
      const a = tf.slice(filled<tf.Rank.R2>('a', [64, 300]), [0, 0], [rows, 300]);
      return tf.matMul(a, filled('b', [300, 19])).dataSync<'float32'>();
    });
  assert.deepEqual(product(1), product(64).subarray(0, 19));
});

test('a product without depth is 0, of no rows empty', async () => {
  await startBackend('wasm');
  const product = (m: number, k: number): number[] =>
    tf.tidy(() => Array.from(tf.matMul(tf.ones([m, k]), tf.ones([k, 2])).dataSync()));
  assert.deepEqual(product(3, 0), [0, 0, 0, 0, 0, 0]);
  assert.deepEqual(product(0, 3), []);
});

const activation = fc.constantFrom<tf.fused.Activation>(
  'linear',
  'relu',
  'relu6',
  'elu',
  'sigmoid',
  'leakyrelu',
  'prelu',
);

test('fused products: every activation, with a bias or without', () =>
  compareBackends(
    fc.record({ m: side, k: side, n: side, activation, hasBias: fc.boolean(), transposeB: fc.boolean() }),
    ({ m, k, n, activation, hasBias, transposeB }) => [
      tf.fused.matMul({
        a: filled('a', [m, k]),
        b: filled('b', transposeB ? [n, k] : [k, n]),
        transposeB,
        activation,
        ...(hasBias ? { bias: filled('bias', [n]) } : {}),
        ...(activation === 'prelu' ? { preluActivationWeights: filled('alpha', [n]) } : {}),
        leakyreluAlpha: 0.3,
      }),
    ],
    { runs: 60 },
  ));

test('the fused bias belongs to the columns of every matrix of a batch', () =>
  compareBackends(fc.constant(0), () => [
    tf.fused.matMul({
      a: filled('a', [3, 4, 5]),
      b: filled('b', [3, 5, 6]),
      bias: filled('bias', [6]),
      activation: 'relu',
    }),
  ]));

/** Geometries whose output is not empty. */
const convolution = fc
  .record({
    images: fc.integer({ min: 1, max: 3 }),
    height: fc.integer({ min: 1, max: 11 }),
    width: fc.integer({ min: 1, max: 11 }),
    inputs: fc.constantFrom(1, 2, 3, 4, 5, 8),
    outputs: fc.constantFrom(1, 3, 4, 7, 8, 16),
    filterHeight: fc.integer({ min: 1, max: 5 }),
    filterWidth: fc.integer({ min: 1, max: 5 }),
    strides: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
    padding: fc.constantFrom<'valid' | 'same' | tf.backend_util.ExplicitPadding>(
      'valid',
      'same',
      [[0, 0], [1, 2], [0, 3], [0, 0]], // biome-ignore format: a pair for each dimension
    ),
  })
  .filter(
    ({ height, width, filterHeight, filterWidth, padding }) =>
      padding !== 'valid' || (height >= filterHeight && width >= filterWidth),
  )
  // Explicit padding adds three to both sides.
  .filter(({ height, width }) => height >= 2 && width >= 2);

test('convolutions and both gradients, any stride, padding and filter', () =>
  compareBackends(
    convolution,
    ({ images, height, width, inputs, outputs, filterHeight, filterWidth, strides, padding }) => {
      const x = filled<tf.Rank.R4>('x', [images, height, width, inputs]);
      const filter = filled<tf.Rank.R4>('filter', [filterHeight, filterWidth, inputs, outputs]);
      const forward = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
        tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, strides, padding);
      const y = forward(x, filter);
      return [y, ...tf.grads(forward)([x, filter], filled('dy', y.shape))];
    },
    { runs: 250 },
  ));

test('a convolution of more rows than a block of scratch memory holds', () =>
  compareBackends(fc.constant(0), () => {
    const x = filled<tf.Rank.R4>('x', [1, 40, 40, 4]);
    const filter = filled<tf.Rank.R4>('filter', [5, 5, 4, 2]);
    const forward = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
      tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 'same');
    const y = forward(x, filter);
    return [y, ...tf.grads(forward)([x, filter], filled('dy', y.shape))];
  }));

test('fused convolutions', () =>
  compareBackends(
    fc.record({ activation, hasBias: fc.boolean() }),
    ({ activation, hasBias }) => [
      tf.fused.conv2d({
        x: filled<tf.Rank.R4>('x', [2, 6, 5, 3]),
        filter: filled<tf.Rank.R4>('filter', [3, 3, 3, 7]),
        strides: 1,
        pad: 'same',
        activation,
        ...(hasBias ? { bias: filled('bias', [7]) } : {}),
        ...(activation === 'prelu' ? { preluActivationWeights: filled('alpha', [7]) } : {}),
        leakyreluAlpha: 0.3,
      }),
    ],
    { runs: 30 },
  ));

describe('dilation', () => {
  /** The filter with `dilation - 1` zeros between its elements, which on the cpu backend does the same. */
  const spread = (filter: tf.Tensor4D, dilation: number): tf.Tensor4D => {
    const [height, width, inputs, outputs] = filter.shape;
    const tall = tf.reshape(filter, [height, 1, width, 1, inputs, outputs]);
    const padded = tf.pad(tall, [
      [0, 0],
      [0, dilation - 1],
      [0, 0],
      [0, dilation - 1],
      [0, 0],
      [0, 0],
    ]);
    const whole = tf.reshape(padded, [height * dilation, width * dilation, inputs, outputs]) as tf.Tensor4D;
    const sizes = [(height - 1) * dilation + 1, (width - 1) * dilation + 1, inputs, outputs] as const;
    return tf.slice(whole, [0, 0, 0, 0], [...sizes]);
  };

  const convolutions = { plain: tf.conv2d, depthwise: tf.depthwiseConv2d };

  for (const [kind, convolve] of Object.entries(convolutions)) {
    test(`${kind} convolutions and both gradients`, () =>
      compareBackends(
        fc.record({
          dilation: fc.integer({ min: 2, max: 3 }),
          height: fc.integer({ min: 7, max: 10 }),
          filterHeight: fc.integer({ min: 1, max: 3 }),
          filterWidth: fc.integer({ min: 1, max: 3 }),
          inputs: fc.integer({ min: 1, max: 5 }),
          padding: fc.constantFrom<'valid' | 'same'>('valid', 'same'),
        }),
        ({ dilation, height, filterHeight, filterWidth, inputs, padding }) => {
          const x = filled<tf.Rank.R4>('x', [2, height, 9, inputs]);
          const filter = filled<tf.Rank.R4>('filter', [filterHeight, filterWidth, inputs, 3]);
          const forward = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
            tf.getBackend() === 'wasm'
              ? convolve(a as tf.Tensor4D, b as tf.Tensor4D, 1, padding, 'NHWC', dilation)
              : convolve(a as tf.Tensor4D, spread(b as tf.Tensor4D, dilation), 1, padding);
          const y = forward(x, filter);
          return [y, ...tf.grads(forward)([x, filter], filled('dy', y.shape))];
        },
      ));
  }
});

test('depthwise convolutions: both gradients', () =>
  compareBackends(
    fc.tuple(convolution, fc.integer({ min: 1, max: 3 })),
    ([{ images, height, width, inputs, filterHeight, filterWidth, strides, padding }, multiplier]) => {
      const x = filled<tf.Rank.R4>('x', [images, height, width, inputs]);
      const filter = filled<tf.Rank.R4>('filter', [filterHeight, filterWidth, inputs, multiplier]);
      const forward = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
        tf.depthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, strides, padding);
      const { shape } = forward(x, filter);
      return tf.grads(forward)([x, filter], filled('dy', shape));
    },
    { runs: 120 },
  ));

test('maxima over windows: the gradient goes to the first of equals', () =>
  compareBackends(
    fc.record({
      inputs: fc.constantFrom(1, 3, 4, 5, 9),
      height: fc.integer({ min: 4, max: 7 }),
      filterSize: fc.integer({ min: 1, max: 3 }),
      strides: fc.integer({ min: 1, max: 3 }),
      padding: fc.constantFrom<'valid' | 'same'>('valid', 'same'),
      levels: fc.constantFrom(2, 1000),
    }),
    ({ inputs, height, filterSize, strides, padding, levels }) => {
      const x = tf.round(tf.mul(filled<tf.Rank.R4>('x', [2, height, 5, inputs]), levels));
      const forward = (x: tf.Tensor): tf.Tensor => tf.maxPool(x as tf.Tensor4D, filterSize, strides, padding);
      return [tf.grad(forward)(x, filled('dy', forward(x).shape))];
    },
  ));

test('rows by number: the gradient adds up what goes to the same row', () =>
  compareBackends(
    fc.record({
      rows: fc.integer({ min: 1, max: 20 }),
      width: fc.integer({ min: 1, max: 19 }),
      ids: fc.array(fc.integer({ min: 0, max: 19 }), { minLength: 1, maxLength: 60 }),
    }),
    ({ rows, width, ids }) => {
      const table = filled<tf.Rank.R2>('table', [rows, width]);
      const indices = tf.tensor1d(
        ids.map((id) => id % rows),
        'int32',
      );
      const dy = filled('dy', [ids.length, width]);
      return [tf.grad((t: tf.Tensor) => tf.gather(t, indices))(table, dy)];
    },
  ));

test('segment sums of int32, and of numbers that are no segment', () =>
  compareBackends(fc.constantFrom('int32' as const, 'float32' as const), (dtype) => [
    tf.unsortedSegmentSum(
      tf.tensor2d([1, 2, 3, 4, 5, 6, 7, 8], [4, 2], dtype),
      tf.tensor1d([2, 0, 2, 7], 'int32'),
      3,
    ),
  ]));

test('Einstein sums', () =>
  compareBackends(
    fc.constantFrom(
      'ij,jk->ik',
      'ij,kj->ki',
      'bij,bjk->bik',
      'bhtd,bhsd->bhts',
      'i,j->ij',
      'i,i->',
      'ijk->ki',
      'ij->',
      'ijk,ik->j',
    ),
    (equation) => {
      const lengths: Readonly<Record<string, number>> = { i: 3, j: 5, k: 7, b: 2, h: 3, t: 4, s: 5, d: 6 };
      const terms = equation.split('->')[0]!.split(',');
      const tensors = terms.map((term, index) =>
        filled(
          `${index}`,
          [...term].map((letter) => lengths[letter]!),
        ),
      );
      return [tf.einsum(equation, ...tensors)];
    },
    { runs: 60 },
  ));

test('an Einstein sum over what only one operand names, which the cpu backend gets wrong', async () => {
  await startBackend('wasm');
  const sum = tf.tidy(() => tf.einsum('ij,k->ki', tf.ones([3, 5]), tf.tensor1d([1, 2])));
  assert.deepEqual(sum.arraySync(), [[5, 5, 5], [10, 10, 10]]); // biome-ignore format: a matrix
  sum.dispose();
});

test('the gradient of an Einstein sum is that of the product it stands for', async () => {
  await startBackend('wasm');
  tf.tidy(() => {
    const a = filled<tf.Rank.R3>('a', [2, 3, 4]);
    const b = filled<tf.Rank.R3>('b', [2, 4, 5]);
    const dy = filled('dy', [2, 3, 5]);
    const byProduct = tf.grads((x, y) => tf.matMul(x, y))([a, b], dy);
    const bySum = tf.grads((x, y) => tf.einsum('bij,bjk->bik', x, y))([a, b], dy);
    byProduct.forEach((expected, at) => {
      assert.deepEqual(bySum[at]!.dataSync(), expected.dataSync());
    });
    const spread = tf.grad((x: tf.Tensor) => tf.einsum('ijk->j', x))(a, tf.tensor1d([1, 2, 3]));
    assert.deepEqual(Array.from(tf.slice(spread as tf.Tensor3D, [1, 0, 2], [1, 3, 1]).dataSync()), [1, 2, 3]);
  });
});

test('memory that grows in the middle of a kernel', async () => {
  await startBackend('wasm');
  const before = tf.memory().numTensors;
  tf.tidy(() => {
    // 64 MB each: the result of the product needs memory that was not there when its operands were made.
    const [a, b] = [tf.ones([4096, 1]), tf.ones([1, 4096])];
    const product = tf.matMul(a, b);
    const again = tf.matMul(product, tf.ones([4096, 1]));
    assert.ok(again.dataSync().every((value) => value === 4096));
  });
  assert.equal(tf.memory().numTensors, before);
});

test('kernels are installed once, of one build', async () => {
  await startBackend('wasm');
  const { kernelFunc } = tf.getKernel('BatchMatMul', 'wasm');
  installWasmKernels('reproducible');
  assert.equal(tf.getKernel('BatchMatMul', 'wasm').kernelFunc, kernelFunc);
  assert.throws(() => installWasmKernels('fast'), /already has the reproducible kernels/);
});
