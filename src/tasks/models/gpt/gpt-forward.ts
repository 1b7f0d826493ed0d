import * as tf from '@tensorflow/tfjs-core';
import { causalAttention } from '../../../tensor/operations/attention.ts';
import { embedding } from '../../../tensor/operations/embedding.ts';
import { gelu } from '../../../tensor/operations/gelu.ts';
import { layerNorm } from '../../../tensor/operations/layer-norm.ts';
import { denseLayer } from '../parts/layer-functions.ts';
import type { Weights } from '../parts/weights.ts';
import type { GptSpec } from './gpt.ts';

/**
 * GPT-2 (Radford et al., "Language models are unsupervised multitask learners", 2019): normalisation before each
 * part, GELU, no dropout. `bytes` is rows x context (int32); returns the logits of the byte that follows each of
 * them, rows * context x 256.
 */
export function forward(
  { heads, width, layers }: GptSpec,
  weights: Weights,
  bytes: tf.Tensor2D,
): tf.Tensor2D {
  const [rows, context] = bytes.shape;
  const table = weights.take<tf.Tensor2D>('token_embedding');
  const positions = tf.slice(weights.take<tf.Tensor2D>('position_embedding'), [0, 0], [context, width]);
  let x = tf.reshape(tf.add(embedding(table, bytes), positions), [rows * context, width]) as tf.Tensor2D;
  for (let index = 0; index < layers; index++) {
    const block = weights.below(`block_${index}`);
    const qkv = denseLayer(block.below('attention_in'), normed(block.below('norm_0'), x), 'linear');
    const attended = causalAttention(qkv, { rows, context, heads });
    x = tf.add(x, denseLayer(block.below('attention_out'), attended, 'linear'));
    const inner = gelu(denseLayer(block.below('feed_in'), normed(block.below('norm_1'), x), 'linear'));
    x = tf.add(x, denseLayer(block.below('feed_out'), inner, 'linear'));
  }
  return tf.matMul(normed(weights.below('norm'), x), table, false, true);
}

function normed(weights: Weights, x: tf.Tensor2D): tf.Tensor2D {
  return layerNorm(x, weights.take<tf.Tensor1D>('gain'), weights.take<tf.Tensor1D>('bias'));
}
