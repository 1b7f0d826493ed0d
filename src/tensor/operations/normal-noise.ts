/** Normal noise on tensors. */
import * as tf from '@tensorflow/tfjs-core';
import { addNormal, type NormalNoise } from '../../math/normal-noise.ts';
import { fusedKernels, hasFused, runKernel } from './fused-kernels.ts';

/** As `addNormal`. Takes over `x`, which nobody else holds. */
export function withNormalNoise(x: tf.Tensor, noise: NormalNoise): tf.Tensor {
  if (hasFused(fusedKernels.addNormal)) {
    runKernel(fusedKernels.addNormal, { x }, { noise });
    return x;
  }
  const values = x.dataSync<'float32'>().slice();
  addNormal(values, noise);
  const result = tf.tensor(values, x.shape);
  x.dispose();
  return result;
}
