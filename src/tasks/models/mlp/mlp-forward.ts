import type * as tf from '@tensorflow/tfjs-core';
import { denseStack } from '../parts/layer-functions.ts';
import type { Weights } from '../parts/weights.ts';
import type { MlpSpec } from './mlp.ts';

/** The multilayer perceptron. */
export function forward(model: MlpSpec, weights: Weights, features: tf.Tensor2D): tf.Tensor2D {
  return denseStack(weights, features, model.hidden.length + 1);
}
