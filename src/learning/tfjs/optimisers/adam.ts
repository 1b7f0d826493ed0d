import * as tf from '@tensorflow/tfjs-core';
import type { OptimiserSpec } from '../../../run/run-spec.ts';
import { fusedKernels, hasFused, runFused } from '../../../tensor/operations/fused-kernels.ts';
import type { UpdateRule } from './update-rule.ts';

/**
 * Adam (Kingma, Ba, "Adam: a method for stochastic optimization", 2015) and, with a weight decay that does not go through
 * the moments, AdamW (Loshchilov, Hutter, "Decoupled weight decay regularization", 2019).
 */
export function adamRule(spec: Extract<OptimiserSpec, { id: 'adam' | 'adamw' }>): UpdateRule {
  const { beta1, beta2, epsilon } = spec;
  const weightDecay = spec.id === 'adamw' ? spec.weightDecay : 0;
  // Powers of the betas, by products: the last bits of Math.pow differ between engines.
  let power1 = 1;
  let power2 = 1;
  return {
    stateTensors: 2,
    begin: () => {
      power1 *= beta1;
      power2 *= beta2;
    },
    update: (parameter, gradient, [mean, square], learningRate, scale) => {
      const rate = learningRate / (1 - power1);
      const rootScale = 1 / Math.sqrt(1 - power2);
      const decay = learningRate * weightDecay;
      if (hasFused(fusedKernels.adamStep)) {
        const inputs = { parameter, gradient, mean: mean!, square: square! };
        runFused(fusedKernels.adamStep, inputs, { rate, scale, beta1, beta2, rootScale, epsilon, decay });
        return [];
      }
      const scaled = tf.mul(gradient, scale);
      const newMean = tf.add(tf.mul(mean!, beta1), tf.mul(scaled, 1 - beta1));
      const newSquare = tf.add(tf.mul(square!, beta2), tf.mul(tf.square(scaled), 1 - beta2));
      const root = tf.add(tf.mul(tf.sqrt(newSquare), rootScale), epsilon);
      const kept = tf.mul(parameter, 1 - decay);
      return [tf.sub(kept, tf.div(tf.mul(newMean, rate), root)), newMean, newSquare];
    },
  };
}
