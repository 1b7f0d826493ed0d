import * as tf from '@tensorflow/tfjs-core';
import { causalAttention } from '../../../tensor/operations/attention.ts';
import { embedding, likeness, withPositions } from '../../../tensor/operations/embedding.ts';
import { gelu } from '../../../tensor/operations/gelu.ts';
import { layerNorm } from '../../../tensor/operations/layer-norm.ts';
import { denseLayer } from '../parts/layer-functions.ts';
import type { Weights } from '../parts/weights.ts';
import type { GptSpec } from './gpt.ts';

/** A dense layer without activation: x (rows x inputs) to rows x units. */
type Layer = (weights: Weights, x: tf.Tensor2D) => tf.Tensor2D;

const plainLayer: Layer = (weights, x) => denseLayer(weights, x, 'linear');

/**
 * GPT-2 (Radford et al., "Language models are unsupervised multitask learners", 2019): normalisation before each
 * part, GELU, no dropout. `bytes` is rows x context (int32); returns the logits of the byte that follows each of
 * them, rows * context x 256. `layer` computes the dense layers of the blocks.
 */
export function forward(
  { heads, width, layers }: GptSpec,
  weights: Weights,
  bytes: tf.Tensor2D,
  layer: Layer = plainLayer,
): tf.Tensor2D {
  const [rows, context] = bytes.shape;
  const table = weights.take<tf.Tensor2D>('token_embedding');
  const positions = weights.take<tf.Tensor2D>('position_embedding');
  const placed = withPositions(embedding(table, bytes) as tf.Tensor3D, positions);
  let x = tf.reshape(placed, [rows * context, width]) as tf.Tensor2D;
  for (let index = 0; index < layers; index++) {
    const block = weights.below(`block_${index}`);
    const qkv = layer(block.below('attention_in'), normed(block.below('norm_0'), x));
    const attended = causalAttention(qkv, { rows, context, heads });
    x = tf.add(x, layer(block.below('attention_out'), attended));
    const inner = gelu(layer(block.below('feed_in'), normed(block.below('norm_1'), x)));
    x = tf.add(x, layer(block.below('feed_out'), inner));
  }
  return likeness(normed(weights.below('norm'), x), table);
}

function normed(weights: Weights, x: tf.Tensor2D): tf.Tensor2D {
  return layerNorm(x, weights.take<tf.Tensor1D>('gain'), weights.take<tf.Tensor1D>('bias'));
}
