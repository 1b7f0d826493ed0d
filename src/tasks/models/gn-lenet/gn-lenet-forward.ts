import type * as tf from '@tensorflow/tfjs-core';
import { convolutionLayer, denseStack, flatten, halve, normalise } from '../parts/layer-functions.ts';
import type { Weights } from '../parts/weights.ts';
import { type GnLenetSpec, groups } from './gn-lenet.ts';

/** GN-LeNet (Hsieh et al., "The non-IID data quagmire of decentralized machine learning", 2020). */
export function forward(_: GnLenetSpec, weights: Weights, pixels: tf.Tensor4D): tf.Tensor2D {
  let x = pixels;
  for (let index = 0; index < 3; index++) {
    const linear = convolutionLayer(weights.below(`conv_${index}`), x, 'same', 'linear');
    x = halve(normalise(weights.below(`norm_${index}`), linear, groups, 'relu'));
  }
  return denseStack(weights, flatten(x), 1);
}
