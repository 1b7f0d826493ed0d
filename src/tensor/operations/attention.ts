import * as tf from '@tensorflow/tfjs-core';
import { fusedKernels, hasFused, runFused } from './fused-kernels.ts';

export interface AttentionShape {
  readonly rows: number;
  readonly context: number;
  readonly heads: number;
}

/** In place of scores that look ahead: far below any score, and finite. */
const masked = -1e9;

/**
 * Causal self-attention (Vaswani et al., "Attention is all you need", 2017). `qkv` holds queries, keys and values of all
 * heads side by side, rows * context x 3 width; returns rows * context x width.
 */
export function causalAttention(qkv: tf.Tensor2D, { rows, context, heads }: AttentionShape): tf.Tensor2D {
  if (hasFused(fusedKernels.attention))
    return runFused(fusedKernels.attention, { qkv }, { rows, context, heads });
  const width = qkv.shape[1] / 3;
  const depth = width / heads;
  const [q, k, v] = tf
    .split(qkv, 3, 1)
    .map((part) => tf.transpose(tf.reshape(part, [rows, context, heads, depth]), [0, 2, 1, 3])) as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
  ];
  const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(depth));
  const ahead = tf.sub(1, tf.linalg.bandPart(tf.ones([context, context]), -1, 0));
  const weights = tf.softmax(tf.add(scores, tf.mul(ahead, masked)));
  const attended = tf.transpose(tf.matMul(weights, v), [0, 2, 1, 3]);
  return tf.reshape(attended, [rows * context, width]);
}
