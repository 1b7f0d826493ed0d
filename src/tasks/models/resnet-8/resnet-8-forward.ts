import * as tf from '@tensorflow/tfjs-core';
import type { Activation } from '../../../tensor/operations/dense.ts';
import { convolution, denseStack, normalise } from '../parts/layer-functions.ts';
import type { Weights } from '../parts/weights.ts';
import { blocks, groups, type Resnet8Spec } from './resnet-8.ts';

/** ResNet-8 (He et al., "Deep residual learning for image recognition", 2016; the size of MLPerf Tiny, 2021). */
export function forward(_: Resnet8Spec, weights: Weights, pixels: tf.Tensor4D): tf.Tensor2D {
  const normed = (layers: Weights, name: string, x: tf.Tensor4D, activation: Activation) =>
    normalise(layers.below(name), x, groups, activation);
  let x = normed(weights, 'stem_norm', convolution(weights.below('stem'), pixels), 'relu');
  for (const [index, { stride }] of blocks.entries()) {
    const block = weights.below(`block_${index}`);
    const shortcut = stride === 1 ? x : convolution(block.below('shortcut'), x, stride);
    const inner = normed(block, 'norm_0', convolution(block.below('conv_0'), x, stride), 'relu');
    const outer = normed(block, 'norm_1', convolution(block.below('conv_1'), inner), 'linear');
    x = tf.relu(tf.add(outer, shortcut));
  }
  return denseStack(weights, tf.mean(x, [1, 2]), 1);
}
