import * as tf from '@tensorflow/tfjs-core';
import type { Activation } from './dense.ts';
import { fusedKernels, hasFused, runFused } from './fused-kernels.ts';

export interface ConvolutionOptions {
  readonly stride: number;
  readonly padding: 'same' | 'valid';
  readonly activation: Activation;
}

/** x (rows x height x width x inputs) convolved with `kernel` (height x width x inputs x outputs) plus `bias` (outputs). */
export function biasedConvolution(
  x: tf.Tensor4D,
  kernel: tf.Tensor4D,
  bias: tf.Tensor1D,
  { stride, padding, activation }: ConvolutionOptions,
): tf.Tensor4D {
  if (hasFused(fusedKernels.convolution)) {
    return runFused(fusedKernels.convolution, { x, kernel, bias }, { stride, padding, activation });
  }
  const sum = tf.add<tf.Tensor4D>(tf.conv2d(x, kernel, stride, padding), bias);
  return activation === 'relu' ? tf.relu(sum) : sum;
}
