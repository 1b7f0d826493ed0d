/** Layers that several models share, as functions of their weights. */
import * as tf from '@tensorflow/tfjs-core';
import { biasedConvolution, plainConvolution } from '../../../tensor/operations/convolution.ts';
import { type Activation, dense } from '../../../tensor/operations/dense.ts';
import { groupNorm } from '../../../tensor/operations/group-norm.ts';
import type { Weights } from './weights.ts';

/** x (rows x inputs) times the kernel plus the bias. */
export function denseLayer(weights: Weights, x: tf.Tensor2D, activation: Activation): tf.Tensor2D {
  return dense(x, weights.take<tf.Tensor2D>('kernel'), weights.take<tf.Tensor1D>('bias'), activation);
}

/** `dense_0`, `dense_1`, ...: ReLU after each of the `count` layers but the last. */
export function denseStack(weights: Weights, x: tf.Tensor2D, count: number): tf.Tensor2D {
  let result = x;
  for (let index = 0; index < count; index++) {
    result = denseLayer(weights.below(`dense_${index}`), result, index + 1 < count ? 'relu' : 'linear');
  }
  return result;
}

/** A convolution (rows x height x width x channels) without bias, as before a normalisation. */
export function convolution(weights: Weights, x: tf.Tensor4D, stride = 1): tf.Tensor4D {
  return plainConvolution(x, weights.take<tf.Tensor4D>('kernel'), { stride, padding: 'same' });
}

/** A convolution with a bias. */
export function convolutionLayer(
  weights: Weights,
  x: tf.Tensor4D,
  padding: 'same' | 'valid',
  activation: Activation,
): tf.Tensor4D {
  const [kernel, bias] = [weights.take<tf.Tensor4D>('kernel'), weights.take<tf.Tensor1D>('bias')];
  return biasedConvolution(x, kernel, bias, { stride: 1, padding, activation });
}

/** Group normalisation with the gain and bias of `weights`, then the activation. */
export function normalise(
  weights: Weights,
  x: tf.Tensor4D,
  groups: number,
  activation: Activation,
): tf.Tensor4D {
  const [gain, bias] = [weights.take<tf.Tensor1D>('gain'), weights.take<tf.Tensor1D>('bias')];
  return groupNorm(x, groups, gain, bias, activation);
}

/** Halves height and width, rounding down. */
export function halve(x: tf.Tensor4D): tf.Tensor4D {
  return tf.maxPool(x, 2, 2, 'valid');
}

/** rows x everything else. */
export function flatten(x: tf.Tensor4D): tf.Tensor2D {
  return tf.reshape(x, [x.shape[0], -1]);
}
