/** Models as TensorFlow.js Layers: what is exported, and what the hand-written gradients are tested against. */
import * as tf from '@tensorflow/tfjs';
import type { ModelSpec } from '../protocol/run-spec.ts';
import { checkLength, denseLayers } from './layers.ts';

/** A sequential model with logits as outputs. The caller disposes of it. */
export function buildSequential(model: ModelSpec): tf.Sequential {
  return tf.sequential({
    layers: denseLayers(model).map((layer, index) =>
      tf.layers.dense({
        name: layer.name,
        units: layer.units,
        activation: layer.relu ? 'relu' : 'linear',
        kernelInitializer: 'zeros',
        ...(index === 0 ? { inputShape: [layer.inputs] } : {}),
      }),
    ),
  });
}

/** Copies the flat vector into the model's weights. @throws RangeError where the length is not the model's. */
export function setVector(sequential: tf.LayersModel, model: ModelSpec, vector: Float32Array): void {
  checkLength(model, vector);
  tf.tidy(() => {
    const weights = denseLayers(model).flatMap((layer) => [
      tf.tensor2d(vector.slice(layer.kernelAt, layer.biasAt), [layer.inputs, layer.units]),
      tf.tensor1d(vector.slice(layer.biasAt, layer.biasAt + layer.units)),
    ]);
    sequential.setWeights(weights);
  });
}

/** The flat vector of the model's weights, freshly allocated. */
export function getVector(sequential: tf.LayersModel): Float32Array {
  // The tensors belong to the model: they are read, not disposed of.
  const parts = sequential.getWeights().map((weight) => weight.dataSync<'float32'>());
  const vector = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    vector.set(part, at);
    at += part.length;
  }
  return vector;
}
