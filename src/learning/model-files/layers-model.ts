/** Stacks of dense layers as TensorFlow.js Layers: what is exported. */
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, type Sequential, sequential } from '@tensorflow/tfjs-layers';
import { checkLength } from '../../tasks/models/model-layout.ts';
import { type DenseModelSpec, denseLayers } from './layers.ts';

/** A sequential model with logits as outputs. The caller disposes of it. */
export function buildSequential(model: DenseModelSpec): Sequential {
  return sequential({
    layers: denseLayers(model).map((layer, index) =>
      layers.dense({
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
export function setVector(layersModel: LayersModel, model: DenseModelSpec, vector: Float32Array): void {
  checkLength(model, vector);
  tf.tidy(() => {
    const weights = denseLayers(model).flatMap((layer) => [
      tf.tensor2d(vector.slice(layer.kernelAt, layer.biasAt), [layer.inputs, layer.units]),
      tf.tensor1d(vector.slice(layer.biasAt, layer.biasAt + layer.units)),
    ]);
    layersModel.setWeights(weights);
  });
}
