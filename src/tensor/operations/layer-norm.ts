import * as tf from '@tensorflow/tfjs-core';
import { recordingOf } from './example-recording.ts';
import { fusedKernels, hasFused, runFused, runKernel } from './fused-kernels.ts';

/**
 * Layer normalisation (Ba, Kiros, Hinton, "Layer normalization", 2016): each row of x (rows x channels) to mean 0 and
 * variance 1, then times `gain` plus `bias` (channels each).
 */
export function layerNorm(x: tf.Tensor2D, gain: tf.Tensor1D, bias: tf.Tensor1D, epsilon = 1e-5): tf.Tensor2D {
  const recording = recordingOf([gain, bias]);
  if (recording !== null) {
    return recording.operation(
      x,
      (save) => {
        const [y, statistics] = runKernel(fusedKernels.layerNorm, { x, gain, bias }, { epsilon });
        save([x, statistics!]);
        return y as tf.Tensor2D;
      },
      (dy, [input, statistics]) => {
        const inputs = { x: input!, gain, statistics: statistics!, dy };
        const { examples } = recording;
        const [dx, gains, biases] = runKernel(fusedKernels.exampleLayerNorm, inputs, { examples });
        recording.noteRows(gain, gains!);
        recording.noteRows(bias, biases!);
        tf.dispose([gains!, biases!]);
        return () => dx!;
      },
    );
  }
  if (hasFused(fusedKernels.layerNorm))
    return runFused(fusedKernels.layerNorm, { x, gain, bias }, { epsilon });
  const { mean, variance } = tf.moments(x, 1, true);
  const normed = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon)));
  return tf.add(tf.mul(normed, gain), bias);
}
