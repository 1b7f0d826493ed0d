import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { rngFor } from '../../src/math/rng.ts';
import { startBackend } from '../../src/training/tfjs-backend.ts';
import { installTransposingMatMul } from '../../src/training/wasm-matmul.ts';

interface Product {
  readonly batchA: number[];
  readonly batchB: number[];
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly activation: 'relu' | 'linear' | null;
}

const batch = fc.constantFrom<number[][]>([], [1], [3], [2, 2]);
const side = fc.integer({ min: 1, max: 37 });
const product: fc.Arbitrary<Product> = fc
  .record({
    batchA: batch,
    shareBatch: fc.boolean(),
    m: side,
    k: side,
    n: side,
    transposeA: fc.boolean(),
    transposeB: fc.boolean(),
    activation: fc.constantFrom('relu' as const, 'linear' as const, null),
  })
  .map(({ shareBatch, ...rest }) => ({
    ...rest,
    batchB: shareBatch ? rest.batchA.map(() => 1) : rest.batchA,
  }));

function compute(p: Product): Float32Array {
  const filled = (key: string, shape: number[]): tf.Tensor => {
    const values = new Float32Array(shape.reduce((size, dimension) => size * dimension, 1));
    rngFor(`product/${key}`).fillUniform(values, -1, 1);
    return tf.tensor(values, shape);
  };
  return tf.tidy(() => {
    const a = filled('a', [...p.batchA, ...(p.transposeA ? [p.k, p.m] : [p.m, p.k])]);
    const b = filled('b', [...p.batchB, ...(p.transposeB ? [p.n, p.k] : [p.k, p.n])]);
    const { transposeA, transposeB } = p;
    // Matrices only: with a batch the wasm backend of 4.22 adds its fused bias wrongly, transposed or not.
    return p.activation !== null && p.batchA.length === 0
      ? tf.fused
          .matMul({ a, b, transposeA, transposeB, bias: filled('bias', [p.n]), activation: p.activation })
          .dataSync<'float32'>()
      : tf.matMul(a, b, transposeA, transposeB).dataSync<'float32'>();
  });
}

test('products on wasm equal those of the cpu backend, whatever is transposed', async () => {
  await startBackend('wasm');
  const dataIdsBefore = tf.backend().numDataIds();
  const samples = fc.sample(product, { numRuns: 300, seed: 20 });
  const onWasm = samples.map(compute);
  assert.equal(tf.backend().numDataIds(), dataIdsBefore, 'no data stays on the backend');
  await tf.setBackend('cpu');
  const onCpu = samples.map(compute);
  await tf.setBackend('wasm');
  samples.forEach((sample, index) => {
    const [actual, expected] = [onWasm[index]!, onCpu[index]!];
    assert.equal(actual.length, expected.length);
    // Both sum k products of numbers below 1 in float32, in orders of their own.
    const worst = actual.reduce((max, value, at) => Math.max(max, Math.abs(value - expected[at]!)), 0);
    assert.ok(worst <= sample.k * 2 ** -20, `${JSON.stringify(sample)} is off by ${worst}`);
  });
});

test('installing twice wraps once', async () => {
  await startBackend('wasm');
  const { kernelFunc } = tf.getKernel('BatchMatMul', 'wasm');
  installTransposingMatMul();
  assert.equal(tf.getKernel('BatchMatMul', 'wasm').kernelFunc, kernelFunc);
});
