import * as tf from '@tensorflow/tfjs-core';
import { fusedKernels, hasFused, runFused } from './fused-kernels.ts';

/** The Gaussian error linear unit in its tanh form, as GPT-2 has it (Hendrycks, Gimpel, "Gaussian error linear units", 2016). */
export function gelu(x: tf.Tensor2D): tf.Tensor2D {
  if (hasFused(fusedKernels.gelu)) return runFused(fusedKernels.gelu, { x });
  const inner = tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.mul(x, tf.mul(x, x)))));
  return tf.mul(tf.mul(0.5, x), tf.add(1, tf.tanh(inner)));
}
