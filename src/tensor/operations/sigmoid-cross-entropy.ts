import * as tf from '@tensorflow/tfjs-core';

/**
 * -ln of the probability that the sigmoid of each logit gives to its label, 1 or 0, of the same shape:
 * max(x, 0) - x z + ln(1 + e^-|x|), which does not overflow. Its gradient is sigmoid(x) - z.
 */
export function sigmoidCrossEntropy<T extends tf.Tensor>(logits: T, labels: tf.Tensor): T {
  const operation = tf.customGrad((...given: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [x, save] = given as [tf.Tensor, tf.GradSaveFunc];
    save([x, labels]);
    const value = tf.add(tf.sub(tf.relu(x), tf.mul(x, labels)), tf.log1p(tf.exp(tf.neg(tf.abs(x)))));
    return {
      value,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.mul(dy, tf.sub(tf.sigmoid(saved[0]!), saved[1]!)),
    };
  });
  return operation(logits) as T;
}
