import * as tf from '@tensorflow/tfjs-core';
import { fusedKernels, hasFused, runFused } from './fused-kernels.ts';

export type Activation = 'linear' | 'relu';

/** x (rows x inputs) times `kernel` (inputs x units) plus `bias` (units), activated. */
export function dense(
  x: tf.Tensor2D,
  kernel: tf.Tensor2D,
  bias: tf.Tensor1D,
  activation: Activation,
): tf.Tensor2D {
  if (hasFused(fusedKernels.dense)) return runFused(fusedKernels.dense, { x, kernel, bias }, { activation });
  const sum = tf.add<tf.Tensor2D>(tf.matMul(x, kernel), bias);
  return activation === 'relu' ? tf.relu(sum) : sum;
}
