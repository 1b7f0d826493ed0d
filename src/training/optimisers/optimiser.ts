/** Optimisers over a model's tensors. */
import * as tf from '@tensorflow/tfjs';
import type { OptimiserSpec } from '../../protocol/run-spec.ts';

export interface Optimiser {
  /** Changes the parameters by one step along `gradients`, one for each parameter. */
  step(gradients: readonly tf.Tensor[], learningRate: number): void;
  dispose(): void;
}

/** `parameters` are replaced in the list itself. `clipNorm` bounds the norm of all gradients together; null: none. */
export function createOptimiser(
  spec: OptimiserSpec,
  clipNorm: number | null,
  parameters: tf.Tensor[],
): Optimiser {
  if (spec.id !== 'sgd' || clipNorm !== null) throw new Error('not here yet');
  let velocity: tf.Tensor[] = [];
  return {
    step(gradients, learningRate) {
      const changes = tf.tidy(() =>
        gradients.map((gradient, index) => {
          const last = velocity[index];
          const change = tf.mul(gradient, learningRate);
          return last === undefined ? change : tf.add(change, tf.mul(last, spec.momentum));
        }),
      );
      tf.dispose(velocity);
      velocity = spec.momentum > 0 ? changes : [];
      for (const [index, change] of changes.entries()) {
        const before = parameters[index]!;
        parameters[index] = tf.sub(before, change);
        before.dispose();
        if (spec.momentum === 0) change.dispose();
      }
    },
    dispose() {
      tf.dispose(velocity);
      velocity = [];
    },
  };
}
