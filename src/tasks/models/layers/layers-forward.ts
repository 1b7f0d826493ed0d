import * as tf from '@tensorflow/tfjs-core';
import { activated } from '../../../tensor/operations/activation.ts';
import { biasedConvolution } from '../../../tensor/operations/convolution.ts';
import { dense, product } from '../../../tensor/operations/dense.ts';
import { embedding } from '../../../tensor/operations/embedding.ts';
import { groupNorm } from '../../../tensor/operations/group-norm.ts';
import { layerNorm } from '../../../tensor/operations/layer-norm.ts';
import type { Weights } from '../parts/weights.ts';
import type { ActivationName, Pair } from './layer-kind.ts';
import type { LayerOf, LayerSpec } from './layer-kinds.ts';
import { type LayersSpec, throughLayers } from './layers-spec.ts';
import { gatedRecurrentUnit, longShortTermMemory } from './recurrent-forward.ts';

/** The layers one after the other; the last one gives logits, of a sequence those of each step. */
export function forward(model: LayersSpec, weights: Weights, input: tf.Tensor): tf.Tensor2D {
  const last = throughLayers<tf.Tensor>(model, input, (layer, inputs) =>
    computed(layer, weights.below(layer.name), inputs),
  );
  return tf.reshape(last, [-1, last.shape.at(-1)!]) as tf.Tensor2D;
}

type Compute<Kind extends LayerSpec['kind']> = (
  layer: LayerOf<Kind>,
  weights: Weights,
  x: tf.Tensor,
  all: readonly tf.Tensor[],
) => tf.Tensor;

const compute: { readonly [Kind in LayerSpec['kind']]: Compute<Kind> } = {
  dense: denseOver,
  conv2d: convolved,
  'depthwise-conv2d': (layer, weights, x) => finished(layer, weights, depthwise(layer, weights, x)),
  'separable-conv2d': (layer, weights, x) => {
    const each = depthwise(layer, weights, x);
    return finished(
      layer,
      weights,
      tf.conv2d(each, weights.take<tf.Tensor4D>('pointwise_kernel'), 1, 'valid'),
    );
  },
  'max-pooling2d': ({ pool, strides, padding }, _, x) => tf.maxPool(x as tf.Tensor4D, pool, strides, padding),
  'average-pooling2d': ({ pool, strides, padding }, _, x) =>
    tf.avgPool(x as tf.Tensor4D, pool, strides, padding),
  'global-average-pooling2d': (_layer, _, x) => tf.mean(x, [1, 2]),
  'global-max-pooling2d': (_layer, _, x) => tf.max(x, [1, 2]),
  flatten: (_layer, _, x) => tf.reshape(x, [x.shape[0]!, -1]),
  reshape: ({ shape }, _, x) => tf.reshape(x, [x.shape[0]!, ...shape]),
  'zero-padding2d': ({ height, width }, _, x) => tf.pad(x, [[0, 0], [...height], [...width], [0, 0]]),
  activation: ({ activation }, _, x) => activated(x, activation),
  dropout: (_layer, _, x) => x,
  'layer-normalization': ({ epsilon }, weights, x) => {
    const rows = tf.reshape(x, [-1, x.shape.at(-1)!]) as tf.Tensor2D;
    const [gain, bias] = [weights.take<tf.Tensor1D>('gain'), weights.take<tf.Tensor1D>('bias')];
    return tf.reshape(layerNorm(rows, gain, bias, epsilon), x.shape);
  },
  'group-normalization': ({ groups, epsilon }, weights, x) => {
    const [gain, bias] = [weights.take<tf.Tensor1D>('gain'), weights.take<tf.Tensor1D>('bias')];
    return groupNorm(x as tf.Tensor4D, groups, gain, bias, 'linear', epsilon);
  },
  add: (_layer, _, x, all) => all.slice(1).reduce((sum, other) => tf.add(sum, other), x),
  multiply: (_layer, _, x, all) => all.slice(1).reduce((product, other) => tf.mul(product, other), x),
  concatenate: (_layer, _, _first, all) => tf.concat([...all], -1),
  conv1d: convolvedSteps,
  'max-pooling1d': ({ pool, stride, padding }, _, x) =>
    overSteps(x, (wide) => tf.maxPool(wide, [pool, 1], [stride, 1], padding)),
  'average-pooling1d': ({ pool, stride, padding }, _, x) =>
    overSteps(x, (wide) => tf.avgPool(wide, [pool, 1], [stride, 1], padding)),
  'global-average-pooling1d': (_layer, _, x) => tf.mean(x, 1),
  'global-max-pooling1d': (_layer, _, x) => tf.max(x, 1),
  lstm: ({ sequences }, weights, x) => longShortTermMemory(weights, x as tf.Tensor3D, sequences),
  gru: ({ sequences, resetAfter }, weights, x) =>
    gatedRecurrentUnit(weights, x as tf.Tensor3D, sequences, resetAfter),
  embedding: (_layer, weights, x) => embedding(weights.take<tf.Tensor2D>('embeddings'), x),
};

function computed(layer: LayerSpec, weights: Weights, inputs: readonly tf.Tensor[]): tf.Tensor {
  // The table gives the kind of the layer, which the compiler cannot follow.
  const apply = compute[layer.kind] as Compute<LayerSpec['kind']>;
  return apply(layer as never, weights, inputs[0]!, inputs);
}

function denseOver(layer: LayerOf<'dense'>, weights: Weights, x: tf.Tensor): tf.Tensor {
  const rows = tf.reshape(x, [-1, x.shape.at(-1)!]) as tf.Tensor2D;
  const kernel = weights.take<tf.Tensor2D>('kernel');
  const { activation } = layer;
  const fused = activation === 'relu' || activation === 'linear' ? activation : 'linear';
  const result = layer.bias
    ? dense(rows, kernel, weights.take<tf.Tensor1D>('bias'), fused)
    : activated(product(rows, kernel), fused);
  return tf.reshape(fused === activation ? result : activated(result, activation), [
    ...x.shape.slice(0, -1),
    layer.units,
  ]);
}

function convolved(layer: LayerOf<'conv2d'>, weights: Weights, x: tf.Tensor): tf.Tensor {
  const { strides, dilation, padding, activation } = layer;
  const kernel = weights.take<tf.Tensor4D>('kernel');
  const isPlain = strides[0] === strides[1] && dilation[0] === 1 && dilation[1] === 1;
  if (!isPlain || !layer.bias || (activation !== 'relu' && activation !== 'linear')) {
    return finished(layer, weights, tf.conv2d(x as tf.Tensor4D, kernel, strides, padding, 'NHWC', dilation));
  }
  const options = { stride: strides[0], padding, activation };
  return biasedConvolution(x as tf.Tensor4D, kernel, weights.take<tf.Tensor1D>('bias'), options);
}

/** Sequences as images of width 1. */
function overSteps(x: tf.Tensor, apply: (wide: tf.Tensor4D) => tf.Tensor): tf.Tensor {
  return tf.squeeze(apply(tf.expandDims(x, 2) as tf.Tensor4D), [2]);
}

function convolvedSteps(layer: LayerOf<'conv1d'>, weights: Weights, x: tf.Tensor): tf.Tensor {
  const { kernel, stride, dilation, padding } = layer;
  const filters = tf.expandDims(weights.take('kernel'), 1) as tf.Tensor4D;
  const isCausal = padding === 'causal';
  const before = isCausal ? (kernel - 1) * dilation : 0;
  const padded =
    before === 0
      ? x
      : tf.pad(x, [
          [0, 0],
          [before, 0],
          [0, 0],
        ]);
  const sums = overSteps(padded, (wide) =>
    tf.conv2d(wide, filters, [stride, 1], isCausal ? 'valid' : padding, 'NHWC', [dilation, 1]),
  );
  return finished(layer, weights, sums);
}

interface Filtering {
  readonly strides: Pair;
  readonly padding: 'same' | 'valid';
  readonly dilation: Pair;
}

function depthwise({ strides, padding, dilation }: Filtering, weights: Weights, x: tf.Tensor): tf.Tensor4D {
  const kernel = weights.take<tf.Tensor4D>('depthwise_kernel');
  return tf.depthwiseConv2d(x as tf.Tensor4D, kernel, strides, padding, 'NHWC', dilation);
}

/** What comes after the sums of a convolution. */
function finished(
  layer: { readonly bias: boolean; readonly activation: ActivationName },
  weights: Weights,
  sums: tf.Tensor,
): tf.Tensor {
  return activated(layer.bias ? tf.add(sums, weights.take('bias')) : sums, layer.activation);
}
