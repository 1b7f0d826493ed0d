/** Convolutional networks. Pixels come as rows x height x width x channels, logits leave as rows x outputs. */
import * as tf from '@tensorflow/tfjs-core';
import type { Activation } from '../../tensor/operations/dense.ts';
import { convolution, convolutionLayer, denseStack, flatten, halve, normalise } from './layers.ts';
import { resnetBlocks } from './model-layout.ts';
import type { Weights } from './weights.ts';

/**
 * LeNet-5 (LeCun et al., "Gradient-based learning applied to document recognition", 1998) with ReLU and maxima in
 * place of its sigmoids and averages.
 */
export function lenet(weights: Weights, pixels: tf.Tensor4D): tf.Tensor2D {
  let x = pixels;
  for (const [index, padding] of (['same', 'valid'] as const).entries()) {
    x = halve(convolutionLayer(weights.below(`conv_${index}`), x, padding, 'relu'));
  }
  return denseStack(weights, flatten(x), 3);
}

/** Groups of each normalisation of GN-LeNet, as in the experiments of decentralizepy (Dhasade et al. 2023). */
const gnLenetGroups = 2;

/** GN-LeNet (Hsieh et al., "The non-IID data quagmire of decentralized machine learning", 2020). */
export function gnLenet(weights: Weights, pixels: tf.Tensor4D): tf.Tensor2D {
  let x = pixels;
  for (let index = 0; index < 3; index++) {
    const linear = convolutionLayer(weights.below(`conv_${index}`), x, 'same', 'linear');
    x = halve(normalise(weights.below(`norm_${index}`), linear, gnLenetGroups, 'relu'));
  }
  return denseStack(weights, flatten(x), 1);
}

/** Eight channels a group in the stem; batch statistics would differ between peers. */
const resnetGroups = 2;

/** ResNet-8 (He et al., "Deep residual learning for image recognition", 2016; the size of MLPerf Tiny, 2021). */
export function resnet8(weights: Weights, pixels: tf.Tensor4D): tf.Tensor2D {
  const normed = (layers: Weights, name: string, x: tf.Tensor4D, activation: Activation) =>
    normalise(layers.below(name), x, resnetGroups, activation);
  let x = normed(weights, 'stem_norm', convolution(weights.below('stem'), pixels), 'relu');
  for (const [index, { stride }] of resnetBlocks.entries()) {
    const block = weights.below(`block_${index}`);
    const shortcut = stride === 1 ? x : convolution(block.below('shortcut'), x, stride);
    const inner = normed(block, 'norm_0', convolution(block.below('conv_0'), x, stride), 'relu');
    const outer = normed(block, 'norm_1', convolution(block.below('conv_1'), inner), 'linear');
    x = tf.relu(tf.add(outer, shortcut));
  }
  return denseStack(weights, tf.mean(x, [1, 2]), 1);
}
