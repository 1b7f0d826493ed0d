import * as tf from '@tensorflow/tfjs-core';
import { gelu } from './gelu.ts';

/** Each of them a function of single values, with the formula of Keras. */
const activations = {
  linear: (x: tf.Tensor) => x,
  relu: (x: tf.Tensor) => tf.relu(x),
  relu6: (x: tf.Tensor) => tf.relu6(x),
  elu: (x: tf.Tensor) => tf.elu(x),
  selu: (x: tf.Tensor) => tf.selu(x),
  /** Hendrycks, Gimpel, "Gaussian error linear units", 2016, with the error function. */
  gelu: (x: tf.Tensor) => tf.mul(tf.mul(0.5, x), tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2)))),
  'gelu-tanh': (x: tf.Tensor) => tf.reshape(gelu(tf.reshape(x, [-1, x.shape.at(-1)!])), x.shape),
  silu: (x: tf.Tensor) => tf.mul(x, tf.sigmoid(x)),
  sigmoid: (x: tf.Tensor) => tf.sigmoid(x),
  softplus: (x: tf.Tensor) => tf.softplus(x),
  tanh: (x: tf.Tensor) => tf.tanh(x),
} as const;

export function activated(x: tf.Tensor, name: keyof typeof activations): tf.Tensor {
  return activations[name](x);
}
