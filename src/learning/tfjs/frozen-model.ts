/** A trained model on the backend of this thread, that others add to: loaded once, however often a network is made on it. */
import * as tf from '@tensorflow/tfjs-core';
import { checkLength, frozenOf, modelLayout } from '../../tasks/models/model-layout.ts';
import type { TensorLayout } from '../../tasks/models/parts/layout-builder.ts';
import type { ModelSpec } from '../../tasks/models/registry.ts';

export class FrozenModel {
  readonly #model: ModelSpec;
  readonly weights: ReadonlyMap<string, tf.Tensor>;

  /** Copies `vector` to the backend, which must run. @throws RangeError where its length is not the model's */
  constructor(model: ModelSpec, vector: Float32Array) {
    checkLength(model, vector);
    const layout = modelLayout(model);
    const tensors = tensorsOf(layout, vector);
    this.#model = model;
    this.weights = new Map(layout.map(({ name }, index) => [name, tensors[index]!]));
  }

  /** @throws RangeError unless this is what `model` adds to */
  checkIsOf(model: ModelSpec): void {
    if (JSON.stringify(frozenOf(model)) !== JSON.stringify(this.#model)) {
      throw new RangeError(`the ${model.kind} does not add to this ${this.#model.kind}`);
    }
  }

  dispose(): void {
    tf.dispose([...this.weights.values()]);
  }
}

/** The parts of a flat vector as tensors, in the order of the layout. */
export function tensorsOf(layout: readonly TensorLayout[], vector: Float32Array): tf.Tensor[] {
  return layout.map(({ at, length, shape }) => tf.tensor(vector.slice(at, at + length), [...shape]));
}
