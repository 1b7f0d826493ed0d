import * as tf from '@tensorflow/tfjs-core';
import { type Activation, beforeActivation } from './dense.ts';
import { type ExampleRecording, recordingOf } from './example-recording.ts';
import { fusedKernels, hasFused, runFused, runKernel } from './fused-kernels.ts';

interface PlainOptions {
  readonly stride: number;
  readonly padding: 'same' | 'valid';
}

export interface ConvolutionOptions extends PlainOptions {
  readonly activation: Activation;
}

/** x (rows x height x width x inputs) convolved with `kernel` (height x width x inputs x outputs) plus `bias` (outputs). */
export function biasedConvolution(
  x: tf.Tensor4D,
  kernel: tf.Tensor4D,
  bias: tf.Tensor1D,
  options: ConvolutionOptions,
): tf.Tensor4D {
  const { stride, padding, activation } = options;
  const computed = (): tf.Tensor4D => {
    if (hasFused(fusedKernels.convolution)) {
      return runFused(fusedKernels.convolution, { x, kernel, bias }, { stride, padding, activation });
    }
    const sum = tf.add<tf.Tensor4D>(tf.conv2d(x, kernel, stride, padding), bias);
    return activation === 'relu' ? tf.relu(sum) : sum;
  };
  const recording = recordingOf([kernel, bias]);
  if (recording === null) return computed();
  return recording.operation(
    x,
    (save) => {
      const y = computed();
      save([x, y]);
      return y;
    },
    (dy, [input, y]) => {
      const dz = beforeActivation(y!, dy, activation);
      recording.noteSums(bias, dz);
      return noteFilters(recording, kernel, input!, dz, options);
    },
  );
}

/** The same without bias. */
export function plainConvolution(x: tf.Tensor4D, kernel: tf.Tensor4D, options: PlainOptions): tf.Tensor4D {
  const { stride, padding } = options;
  const recording = recordingOf([kernel]);
  if (recording === null) return tf.conv2d(x, kernel, stride, padding);
  return recording.operation(
    x,
    (save) => {
      save([x]);
      return tf.conv2d(x, kernel, stride, padding);
    },
    (dy, [input]) => noteFilters(recording, kernel, input!, dy, options),
  );
}

/** Notes what each example asks of the filter; returns how the gradient by the inputs is computed. */
function noteFilters(
  recording: ExampleRecording,
  kernel: tf.Tensor4D,
  x: tf.Tensor,
  dy: tf.Tensor,
  { stride, padding }: PlainOptions,
): () => tf.Tensor {
  const attributes = { strides: stride, pad: padding };
  const filterShape = kernel.shape;
  const rows = runFused(fusedKernels.exampleFilters, { x, dy }, { ...attributes, filterShape });
  recording.noteRows(kernel, rows);
  rows.dispose();
  const inputShape = x.shape;
  return () => runKernel('Conv2DBackpropInput', { dy, filter: kernel }, { ...attributes, inputShape })[0]!;
}
