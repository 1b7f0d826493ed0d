/**
 * Layers (with registered gradients) and steps of optimisers that a backend may have as one kernel, where TensorFlow.js needs
 * many.
 */
import * as tf from '@tensorflow/tfjs-core';

export const fusedKernels = {
  dense: 'starlings.Dense',
  convolution: 'starlings.Convolution',
  activationBackward: 'starlings.ActivationBackward',
  biasBackward: 'starlings.BiasBackward',
  layerNorm: 'starlings.LayerNorm',
  layerNormBackward: 'starlings.LayerNormBackward',
  groupNorm: 'starlings.GroupNorm',
  groupNormBackward: 'starlings.GroupNormBackward',
  gelu: 'starlings.Gelu',
  geluBackward: 'starlings.GeluBackward',
  crossEntropy: 'starlings.CrossEntropy',
  crossEntropyBackward: 'starlings.CrossEntropyBackward',
  attention: 'starlings.Attention',
  attentionBackward: 'starlings.AttentionBackward',
  squaredNorm: 'starlings.SquaredNorm',
  momentumStep: 'starlings.MomentumStep',
  adamStep: 'starlings.AdamStep',
  exampleSquares: 'starlings.ExampleSquares',
  exampleSum: 'starlings.ExampleSum',
  exampleFilters: 'starlings.ExampleFilters',
  exampleLayerNorm: 'starlings.ExampleLayerNorm',
  exampleGroupNorm: 'starlings.ExampleGroupNorm',
  addNormal: 'starlings.AddNormal',
} as const;

export type FusedKernelName = (typeof fusedKernels)[keyof typeof fusedKernels];

/** Whether the running backend has the kernel; where not, an operation is put together from TensorFlow.js's own. */
export function hasFused(name: FusedKernelName): boolean {
  return tf.getKernel(name, tf.getBackend()) != null;
}

/** All results of a kernel, in order. Its gradient is taken like that of any operation. */
export function runKernel(
  name: string,
  inputs: Readonly<Record<string, tf.Tensor>>,
  attributes: Readonly<Record<string, unknown>> = {},
): tf.Tensor[] {
  const result = tf.engine().runKernel(name, inputs, attributes as tf.NamedAttrMap) as
    | tf.Tensor
    | tf.Tensor[];
  return Array.isArray(result) ? result : [result];
}

/** First result of a kernel of ours. */
export function runFused<T extends tf.Tensor>(
  name: FusedKernelName,
  inputs: Readonly<Record<string, tf.Tensor>>,
  attributes: Readonly<Record<string, unknown>> = {},
): T {
  return runKernel(name, inputs, attributes)[0] as T;
}
