import type * as tf from '@tensorflow/tfjs-core';
import type { TensorLayout } from './layout-builder.ts';

/** A model's tensors by the names of `modelLayout`. */
export class Weights {
  private readonly tensors: ReadonlyMap<string, tf.Tensor>;

  constructor(tensors: ReadonlyMap<string, tf.Tensor>) {
    this.tensors = tensors;
  }

  /** `tensors` in the order of the layout, beside `others`, which are there by name. */
  static of(
    layout: readonly TensorLayout[],
    tensors: readonly tf.Tensor[],
    others: ReadonlyMap<string, tf.Tensor> = new Map(),
  ): Weights {
    return new Weights(
      new Map([...others, ...layout.map(({ name }, index) => [name, tensors[index]!] as const)]),
    );
  }

  has(name: string): boolean {
    return this.tensors.has(name);
  }

  /** @throws RangeError for a name that the layout has not: a mistake of the model's code. */
  take<T extends tf.Tensor = tf.Tensor>(name: string): T {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) {
      throw new RangeError(`the model has no tensor ${name}`);
    }
    return tensor as T;
  }

  /** The tensors whose names begin with `prefix` and a slash, under the rest of their names. */
  below(prefix: string): Weights {
    const start = `${prefix}/`;
    const inner = [...this.tensors].filter(([name]) => name.startsWith(start));
    return new Weights(new Map(inner.map(([name, tensor]) => [name.slice(start.length), tensor])));
  }
}
