import * as tf from '@tensorflow/tfjs-core';
import type { OptimiserSpec } from '../../../run/run-spec.ts';
import { fusedKernels, hasFused, runFused } from '../../../tensor/operations/fused-kernels.ts';
import type { UpdateRule } from './update-rule.ts';

/** Stochastic gradient descent; with momentum (Polyak 1964) as v = momentum v + g, parameter -= rate v. */
export function sgdRule({ momentum }: Extract<OptimiserSpec, { id: 'sgd' }>): UpdateRule {
  return {
    stateTensors: momentum > 0 ? 1 : 0,
    begin: () => {},
    update: (parameter, gradient, [velocity], rate, scale) => {
      if (hasFused(fusedKernels.momentumStep)) {
        const inputs = velocity ? { parameter, gradient, velocity } : { parameter, gradient };
        runFused(fusedKernels.momentumStep, inputs, { rate, scale, momentum });
        return [];
      }
      const scaled = tf.mul(gradient, scale);
      const speed = velocity ? tf.add(tf.mul(velocity, momentum), scaled) : scaled;
      const after = tf.sub(parameter, tf.mul(speed, rate));
      return velocity ? [after, speed] : [after];
    },
  };
}
