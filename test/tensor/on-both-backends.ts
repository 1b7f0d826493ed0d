/** Computes the same on WebAssembly, where our kernels are, and on the plain cpu backend of TensorFlow.js. */
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import { rngFor } from '../../src/math/rng.ts';
import type { BackendChoice } from '../../src/tensor/backend-choices.ts';
import { startBackend } from '../../src/tensor/tfjs-backend.ts';

/** Numbers in [-1, 1), the same for the same key. */
export function filled<R extends tf.Rank = tf.Rank>(key: string, shape: readonly number[]): tf.Tensor<R> {
  const values = new Float32Array(shape.reduce((size, length) => size * length, 1));
  rngFor(`filled/${key}`).fillUniform(values, -1, 1);
  return tf.tensor<R>(values, [...shape] as tf.ShapeMap[R]);
}

interface Result {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

/**
 * Compares `compute` for `runs` samples of `arbitrary`. Differences up to `tolerance` times the largest magnitude of a
 * result (at least 1) are roundings. Both backends must be left with the data they had.
 */
export async function compareBackends<Sample>(
  arbitrary: fc.Arbitrary<Sample>,
  compute: (sample: Sample) => tf.Tensor[],
  {
    runs = 100,
    tolerance = 1e-5,
    backend = 'wasm',
  }: { runs?: number; tolerance?: number; backend?: BackendChoice } = {},
): Promise<void> {
  await startBackend(backend);
  const samples = fc.sample(arbitrary, { numRuns: runs, seed: 20 });
  const computeAll = (): Result[][] => {
    const before = tf.backend().numDataIds();
    const results = samples.map((sample) =>
      tf.tidy(() => compute(sample).map((tensor) => ({ shape: tensor.shape, values: tensor.dataSync() }))),
    );
    assert.equal(tf.backend().numDataIds(), before, `no data stays on ${tf.getBackend()}`);
    return results;
  };
  const onWasm = computeAll();
  await tf.setBackend('cpu');
  const onCpu = computeAll();
  await tf.setBackend('wasm');
  samples.forEach((sample, index) => {
    onCpu[index]!.forEach((expected, at) => {
      const actual = onWasm[index]![at]!;
      assert.deepEqual(actual.shape, expected.shape, JSON.stringify(sample));
      const size = Array.from(expected.values).reduce((max, value) => Math.max(max, Math.abs(value)), 1);
      for (let i = 0; i < expected.values.length; i++) {
        const off = Math.abs(actual.values[i]! - expected.values[i]!);
        if (!(off <= tolerance * size)) {
          assert.fail(
            `${JSON.stringify(sample)}: result ${at}[${i}] is ${actual.values[i]}, not ${expected.values[i]}`,
          );
        }
      }
    });
  });
}
