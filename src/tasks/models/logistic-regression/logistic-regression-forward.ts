import type * as tf from '@tensorflow/tfjs-core';
import { denseStack } from '../parts/layer-functions.ts';
import type { Weights } from '../parts/weights.ts';
import type { LogisticRegressionSpec } from './logistic-regression.ts';

/** Softmax regression: one dense layer. */
export function forward(_: LogisticRegressionSpec, weights: Weights, features: tf.Tensor2D): tf.Tensor2D {
  return denseStack(weights, features, 1);
}
