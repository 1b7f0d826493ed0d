import * as tf from '@tensorflow/tfjs-core';
import { recordingOf } from './example-recording.ts';
import { fusedKernels, hasFused, runFused } from './fused-kernels.ts';

export type Activation = 'linear' | 'relu';

/** x (rows x inputs) times `kernel` (inputs x units) plus `bias` (units), activated. */
export function dense(
  x: tf.Tensor2D,
  kernel: tf.Tensor2D,
  bias: tf.Tensor1D,
  activation: Activation,
): tf.Tensor2D {
  const recording = recordingOf([kernel, bias]);
  if (recording === null) return computed(x, kernel, bias, activation);
  return recording.operation(
    x,
    (save) => {
      const y = computed(x, kernel, bias, activation);
      save([x, y]);
      return y;
    },
    (dy, [input, y]) => {
      const dz = beforeActivation(y!, dy, activation);
      recording.noteProducts(kernel, input as tf.Tensor2D, dz);
      recording.noteSums(bias, dz);
      return () => tf.matMul(dz, kernel, false, true);
    },
  );
}

function computed(
  x: tf.Tensor2D,
  kernel: tf.Tensor2D,
  bias: tf.Tensor1D,
  activation: Activation,
): tf.Tensor2D {
  if (hasFused(fusedKernels.dense)) return runFused(fusedKernels.dense, { x, kernel, bias }, { activation });
  const sum = tf.add<tf.Tensor2D>(tf.matMul(x, kernel), bias);
  return activation === 'relu' ? tf.relu(sum) : sum;
}

/** Gradient by what the activation was applied to; of a backend with fused kernels. */
export function beforeActivation<T extends tf.Tensor>(y: tf.Tensor, dy: T, activation: Activation): T {
  return activation === 'relu' ? runFused<T>(fusedKernels.activationBackward, { y, dy }) : dy;
}

/** x (rows x inputs) times `kernel` (inputs x units). */
export function product(x: tf.Tensor2D, kernel: tf.Tensor2D): tf.Tensor2D {
  const recording = recordingOf([kernel]);
  if (recording === null) return tf.matMul(x, kernel);
  return recording.operation(
    x,
    (save) => {
      save([x]);
      return tf.matMul(x, kernel);
    },
    (dy, [input]) => {
      recording.noteProducts(kernel, input as tf.Tensor2D, dy);
      return () => tf.matMul(dy, kernel, false, true);
    },
  );
}
