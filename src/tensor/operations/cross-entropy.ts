import * as tf from '@tensorflow/tfjs-core';
import { fusedKernels, hasFused, runFused } from './fused-kernels.ts';

/** -ln of the probability that the softmax of each row of `logits` (rows x classes) gives to its label (rows, int32). */
export function crossEntropyRows(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Tensor1D {
  if (hasFused(fusedKernels.crossEntropy)) return runFused(fusedKernels.crossEntropy, { logits, labels });
  const classes = logits.shape[1];
  const expected = tf.oneHot(labels, classes);
  const shifted = tf.sub(logits, tf.max(logits, 1, true));
  const logSum = tf.log(tf.sum(tf.exp(shifted), 1));
  return tf.sub(logSum, tf.sum(tf.mul(shifted, expected), 1));
}
