import type * as tf from '@tensorflow/tfjs-core';
import { convolutionLayer, denseStack, flatten, halve } from '../parts/layer-functions.ts';
import type { Weights } from '../parts/weights.ts';
import type { LenetSpec } from './lenet.ts';

/**
 * LeNet-5 (LeCun et al., "Gradient-based learning applied to document recognition", 1998) with ReLU and maxima in
 * place of its sigmoids and averages.
 */
export function forward(_: LenetSpec, weights: Weights, pixels: tf.Tensor4D): tf.Tensor2D {
  let x = pixels;
  for (const [index, padding] of (['same', 'valid'] as const).entries()) {
    x = halve(convolutionLayer(weights.below(`conv_${index}`), x, padding, 'relu'));
  }
  return denseStack(weights, flatten(x), 3);
}
