import type * as tf from '@tensorflow/tfjs-core';

/** How one parameter tensor changes. */
export interface UpdateRule {
  /** Tensors of state for each parameter, which start as zeros. */
  readonly stateTensors: number;
  /** Called once a step, before the updates. */
  begin(): void;
  /**
   * New parameter and state, the state's tensors in order; an empty list where both were rewritten in place. The gradient is
   * taken times `scale`.
   */
  update(
    parameter: tf.Tensor,
    gradient: tf.Tensor,
    state: readonly tf.Tensor[],
    learningRate: number,
    scale: number,
  ): tf.Tensor[];
}
