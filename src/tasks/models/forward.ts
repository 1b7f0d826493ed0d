/** From a model's description to the function that it is. */
import type * as tf from '@tensorflow/tfjs-core';
import type { ModelSpec } from '../../run/run-spec.ts';
import { gpt } from './gpt.ts';
import { gnLenet, lenet, resnet8 } from './image-models.ts';
import { denseStack } from './layers.ts';
import type { Weights } from './weights.ts';

/**
 * Logits of a batch. `inputs` has the shape of `inputShapeOf`; one row of logits (`outputsOf` wide) for each
 * example, of a language model one for each byte. Differentiable in the weights.
 */
export function forward(model: ModelSpec, weights: Weights, inputs: tf.Tensor): tf.Tensor2D {
  switch (model.kind) {
    case 'logistic-regression':
      return denseStack(weights, inputs as tf.Tensor2D, 1);
    case 'mlp':
      return denseStack(weights, inputs as tf.Tensor2D, model.hidden.length + 1);
    case 'lenet':
      return lenet(weights, inputs as tf.Tensor4D);
    case 'gn-lenet':
      return gnLenet(weights, inputs as tf.Tensor4D);
    case 'resnet-8':
      return resnet8(weights, inputs as tf.Tensor4D);
    case 'gpt':
      return gpt(model, weights, inputs as tf.Tensor2D);
    default:
      return model satisfies never;
  }
}

/** Shape of the inputs of `rows` examples of `values` numbers together; a text may be shorter than the context. */
export function inputShapeOf(model: ModelSpec, rows: number, values: number): number[] {
  switch (model.kind) {
    case 'mlp':
    case 'logistic-regression':
      return [rows, model.inputs];
    case 'gpt':
      return [rows, values / rows];
    default:
      return [rows, model.height, model.width, model.channels];
  }
}
