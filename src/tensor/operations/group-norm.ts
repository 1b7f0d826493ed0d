import * as tf from '@tensorflow/tfjs-core';
import { type Activation, beforeActivation } from './dense.ts';
import { recordingOf } from './example-recording.ts';
import { fusedKernels, hasFused, runFused, runKernel } from './fused-kernels.ts';

/**
 * Group normalisation (Wu, He, "Group normalization", 2018): per example and group of neighbouring channels to mean 0
 * and variance 1, then times `gain` plus `bias` per channel, activated. x is rows x height x width x channels.
 */
export function groupNorm(
  x: tf.Tensor4D,
  groups: number,
  gain: tf.Tensor1D,
  bias: tf.Tensor1D,
  activation: Activation = 'linear',
  epsilon = 1e-5,
): tf.Tensor4D {
  const recording = recordingOf([gain, bias]);
  if (recording !== null) {
    return recording.operation(
      x,
      (save) => {
        const attributes = { groups, epsilon, activation };
        const [y, statistics] = runKernel(fusedKernels.groupNorm, { x, gain, bias }, attributes);
        save([x, y!, statistics!]);
        return y as tf.Tensor4D;
      },
      (dy, [input, y, statistics]) => {
        const dz = beforeActivation(y!, dy, activation);
        const inputs = { x: input!, gain, statistics: statistics!, dy: dz };
        const [dx, gains, biases] = runKernel(fusedKernels.exampleGroupNorm, inputs, { groups });
        recording.noteRows(gain, gains!);
        recording.noteRows(bias, biases!);
        tf.dispose([gains!, biases!]);
        return () => dx!;
      },
    );
  }
  if (hasFused(fusedKernels.groupNorm)) {
    return runFused(fusedKernels.groupNorm, { x, gain, bias }, { groups, epsilon, activation });
  }
  const [rows, height, width, channels] = x.shape;
  const grouped = tf.reshape(x, [rows, height * width, groups, channels / groups]);
  const { mean, variance } = tf.moments(grouped, [1, 3], true);
  const normed = tf.mul(tf.sub(grouped, mean), tf.rsqrt(tf.add(variance, epsilon)));
  const result = tf.add<tf.Tensor4D>(tf.mul(tf.reshape(normed, x.shape), gain), bias);
  return activation === 'relu' ? tf.relu(result) : result;
}
