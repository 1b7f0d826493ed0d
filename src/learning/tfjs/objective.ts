/** What training minimises and evaluations count. The one place that knows the loss: cross-entropy between logits and labels. */
import * as tf from '@tensorflow/tfjs-core';
import { crossEntropyRows } from '../../tensor/operations/cross-entropy.ts';

/** What a forward pass says of a batch whose labels are known. */
export interface Judgement {
  /** Sum over the rows of logits of -ln p(label). */
  readonly lossSum: number;
  /** Rows whose most probable class (the lower of equals) is the label. */
  readonly right: number;
  /** The most probable class of each row. */
  readonly predicted: ArrayLike<number>;
  /** Of two classes the probability of class 1 in each row; null for more. */
  readonly scores: Float32Array | null;
}

/** Mean loss of rows of logits (rows x classes) with these labels (rows, int32); differentiable in the logits. */
export function meanLoss(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Scalar {
  return tf.mean<tf.Scalar>(crossEntropyRows(logits, labels));
}

/** Judges the logits that `compute` gives, one row for each label. */
export function judgeLogits(compute: () => tf.Tensor2D, labels: Int32Array): Judgement {
  const { losses, classes, second } = tf.tidy(() => {
    const logits = compute();
    return {
      losses: crossEntropyRows(logits, tf.tensor1d(labels, 'int32')),
      classes: tf.argMax(logits, 1),
      second: logits.shape[1] === 2 ? [tf.slice(tf.softmax(logits), [0, 1], [-1, 1])] : [],
    };
  });
  const predicted = classes.dataSync();
  let right = 0;
  for (let row = 0; row < predicted.length; row++) {
    right += predicted[row] === labels[row] ? 1 : 0;
  }
  let lossSum = 0;
  for (const loss of losses.dataSync()) {
    lossSum += loss;
  }
  const scores = second[0]?.dataSync<'float32'>() ?? null;
  tf.dispose([losses, classes, ...second]);
  return { lossSum, right, predicted, scores };
}
