import * as tf from '@tensorflow/tfjs-core';
import { fusedKernels, hasFused, runFused } from './fused-kernels.ts';

/**
 * Layer normalisation (Ba, Kiros, Hinton, "Layer normalization", 2016): each row of x (rows x channels) to mean 0 and
 * variance 1, then times `gain` plus `bias` (channels each).
 */
export function layerNorm(x: tf.Tensor2D, gain: tf.Tensor1D, bias: tf.Tensor1D, epsilon = 1e-5): tf.Tensor2D {
  if (hasFused(fusedKernels.layerNorm))
    return runFused(fusedKernels.layerNorm, { x, gain, bias }, { epsilon });
  const { mean, variance } = tf.moments(x, 1, true);
  const normed = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon)));
  return tf.add(tf.mul(normed, gain), bias);
}
