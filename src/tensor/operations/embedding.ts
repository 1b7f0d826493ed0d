import * as tf from '@tensorflow/tfjs-core';

/** Rows of `table` (symbols x width) by `ids` (int32): shape of the ids x width. */
export function embedding(table: tf.Tensor2D, ids: tf.Tensor): tf.Tensor {
  return tf.gather(table, ids);
}
