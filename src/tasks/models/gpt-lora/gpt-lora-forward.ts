import * as tf from '@tensorflow/tfjs-core';
import { product } from '../../../tensor/operations/dense.ts';
import { forward as gptForward } from '../gpt/gpt-forward.ts';
import { denseLayer } from '../parts/layer-functions.ts';
import type { Weights } from '../parts/weights.ts';
import { baseOf, type GptLoraSpec } from './gpt-lora.ts';

/** The frozen model with what the adapters add to its dense layers. */
export function forward(model: GptLoraSpec, weights: Weights, bytes: tf.Tensor2D): tf.Tensor2D {
  const scale = model.alpha / model.rank;
  return gptForward(baseOf(model), weights, bytes, (layer, x) => {
    const frozen = denseLayer(layer, x, 'linear');
    if (!layer.has('lora_a')) return frozen;
    const inner = product(x, layer.take<tf.Tensor2D>('lora_a'));
    return tf.add(frozen, tf.mul(product(inner, layer.take<tf.Tensor2D>('lora_b')), scale));
  });
}
