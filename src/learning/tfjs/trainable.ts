/** Whether a model can be trained here, found out before a run rests on it. */
import * as tf from '@tensorflow/tfjs-core';
import { exampleForms } from '../../tasks/example-form.ts';
import type { ForwardPass } from '../../tasks/models/model-kind.ts';
import {
  answersPerExample,
  formOf,
  frozenOf,
  inputShapeOf,
  inputsOf,
  modelLayout,
  parameterCount,
} from '../../tasks/models/model-layout.ts';
import type { TensorLayout } from '../../tasks/models/parts/layout-builder.ts';
import { Weights } from '../../tasks/models/parts/weights.ts';
import { type ModelSpec, modelKindOf } from '../../tasks/models/registry.ts';
import { classification } from '../../tasks/objective.ts';
import { ensureBackend } from '../../tensor/tfjs-backend.ts';
import { LayerNotTrainableError } from '../learning-error.ts';
import { FrozenModel } from './frozen-model.ts';
import { meanLoss } from './objective.ts';

/** TensorFlow.js's words for a kernel, or the gradient of one, that is not there. */
const missing = /Kernel '([^']+)' not registered|gradient function not found for ([^.\s]+)/;

/**
 * Takes the gradients of one example of zeros. Should a kernel be missing, layer after layer is tried from the last one on,
 * to name the one that needs it. @throws LayerNotTrainableError
 */
export async function checkTrainable(model: ModelSpec): Promise<void> {
  const { sentence } = await ensureBackend();
  const pass = await modelKindOf(model).loadForward();
  const layout = modelLayout(model);
  const tensors = layout.map(({ shape }) => tf.zeros([...shape]));
  const base = frozenOf(model);
  const frozen = base && new FrozenModel(base, new Float32Array(parameterCount(base)));
  try {
    const failure = missingFor(model, pass, frozen, layout, tensors, tensors);
    if (failure === null) return;
    for (let index = layout.length - 1; index >= 0; index--) {
      const one = missingFor(model, pass, frozen, layout, tensors, [tensors[index]!]);
      if (one === null) continue;
      throw new LayerNotTrainableError(
        `layer ${layerOf(layout[index]!.name)} of the ${model.kind} cannot be trained: its gradient needs kernel ${one}, ` +
          `which is not among those of ${sentence.split(':')[0]}`,
      );
    }
    throw new LayerNotTrainableError(`the ${model.kind} cannot be trained: there is no kernel ${failure}`);
  } finally {
    tf.dispose(tensors);
    frozen?.dispose();
  }
}

/** `block_0/conv_1/kernel` belongs to layer `block_0/conv_1`. */
function layerOf(tensorName: string): string {
  const end = tensorName.lastIndexOf('/');
  return end < 0 ? tensorName : tensorName.slice(0, end);
}

/** Name of a kernel that the gradient by `wanted` lacks; null where it lacks none. */
function missingFor(
  model: ModelSpec,
  pass: ForwardPass<ModelSpec>,
  frozen: FrozenModel | null,
  layout: readonly TensorLayout[],
  tensors: readonly tf.Tensor[],
  wanted: readonly tf.Tensor[],
): string | null {
  try {
    tf.tidy(() => {
      const shape = inputShapeOf(model, 1, inputsOf(model));
      const inputs = tf.zeros(shape, exampleForms[formOf(model)].dtype);
      const labels = tf.zeros<tf.Rank.R1>([answersPerExample(model)], 'int32');
      const weights = Weights.of(layout, tensors, frozen?.weights);
      // Gradients are taken by `wanted`, which are among the weights.
      tf.grads(() => meanLoss(classification, pass.forward(model, weights, inputs), labels))([...wanted]);
    });
    return null;
  } catch (error) {
    const found = missing.exec((error as Error).message);
    if (found === null) throw error;
    return found[1] ?? found[2]!;
  }
}
