/** Gradients of convolutions with dilation, which TensorFlow.js refuses, for the kernels that know it. */
import * as tf from '@tensorflow/tfjs-core';
import { runKernel } from '../operations/fused-kernels.ts';

interface Attributes {
  readonly dilations?: [number, number] | number;
}

/** Registers them in place of the library's own, which go on to serve all other convolutions and backends. */
export function installConvolutionGradients(): void {
  replaceGradient('Conv2D', 'Conv2DBackprop');
  replaceGradient('DepthwiseConv2dNative', 'DepthwiseConv2dNativeBackprop');
}

function replaceGradient(kernelName: string, backwardName: string): void {
  const before = tf.getGradient(kernelName);
  tf.unregisterGradient(kernelName);
  tf.registerGradient({
    ...before,
    gradFunc: (dy, saved, attributes) => {
      const { dilations = 1 } = attributes as unknown as Attributes;
      const isDilated = !tf.backend_util.tupleValuesAreOne(dilations);
      if (!isDilated || tf.getBackend() !== 'wasm') return before.gradFunc(dy, saved, attributes);
      const [x, filter] = saved as [tf.Tensor, tf.Tensor];
      const run = (by: 'Filter' | 'Input', inputs: tf.NamedTensorMap, more: tf.NamedAttrMap): tf.Tensor =>
        runKernel(backwardName + by, inputs, { ...attributes, ...more })[0]!;
      const change = dy as tf.Tensor;
      return {
        x: () => run('Input', { dy: change, filter }, { inputShape: x.shape }),
        filter: () => run('Filter', { x, dy: change }, { filterShape: filter.shape }),
      };
    },
  });
}
