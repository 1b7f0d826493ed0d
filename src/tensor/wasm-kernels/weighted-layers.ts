/** Dense layers and convolutions with bias and ReLU as one kernel each, with gradients. */
import * as tf from '@tensorflow/tfjs-core';
import type { Activation } from '../operations/dense.ts';
import { fusedKernels, runFused, runKernel } from '../operations/fused-kernels.ts';
import type { KernelHost } from './kernel-host.ts';
import { callKernel, type Inputs, installGradient, installKernel } from './registry.ts';

interface Activated {
  readonly activation: Activation;
}

interface ConvolutionAttributes extends Activated {
  readonly stride: number;
  readonly padding: 'same' | 'valid';
}

export function installWeightedLayers(host: KernelHost): void {
  installKernel<Activated>(fusedKernels.dense, (inputs, { activation }) => {
    const { x, kernel, bias } = inputs as Record<'x' | 'kernel' | 'bias', tf.TensorInfo>;
    const attributes = { transposeA: false, transposeB: false, activation };
    return callKernel('_FusedMatMul', { a: x, b: kernel, bias }, attributes);
  });
  installKernel<ConvolutionAttributes>(fusedKernels.convolution, (inputs, attributes) => {
    const { x, kernel, bias } = inputs as Record<'x' | 'kernel' | 'bias', tf.TensorInfo>;
    const more = { strides: attributes.stride, pad: attributes.padding, activation: attributes.activation };
    return callKernel('FusedConv2D', { x, filter: kernel, bias }, more);
  });
  installKernel(fusedKernels.activationBackward, ({ y, dy }) => {
    const out = host.output(dy!.shape);
    const size = tf.util.sizeFromShape(dy!.shape);
    host.kernels.reluBackward(host.address(y!), host.address(dy!), host.address(out), size, 0);
    return out;
  });
  installKernel(fusedKernels.biasBackward, ({ dy }: Inputs) => {
    const columns = dy!.shape.at(-1)!;
    const out = host.output([columns]);
    const rows = tf.util.sizeFromShape(dy!.shape) / columns;
    host.kernels.columnSums(host.address(dy!), host.address(out), rows, columns);
    return out;
  });
  const saves = { inputs: ['x', 'kernel'], outputs: [true] };
  installGradient(fusedKernels.dense, saves, (dy, [x, kernel, y], attributes) => {
    const dz = beforeActivation(y!, dy, attributes);
    return {
      x: () => tf.matMul(dz, kernel!, false, true),
      kernel: () => tf.matMul(x!, dz, true, false),
      bias: () => runFused(fusedKernels.biasBackward, { dy: dz }),
    };
  });
  installGradient(fusedKernels.convolution, saves, (dy, [x, kernel, y], attributes) => {
    const dz = beforeActivation(y!, dy, attributes);
    const { stride, padding } = attributes as unknown as ConvolutionAttributes;
    const shared = { strides: stride, pad: padding };
    return {
      x: () =>
        runKernel(
          'Conv2DBackpropInput',
          { dy: dz, filter: kernel! },
          { ...shared, inputShape: x!.shape },
        )[0]!,
      kernel: () =>
        runKernel('Conv2DBackpropFilter', { x: x!, dy: dz }, { ...shared, filterShape: kernel!.shape })[0]!,
      bias: () => runFused(fusedKernels.biasBackward, { dy: dz }),
    };
  });
}

/** Gradient by what the activation was applied to. */
function beforeActivation(y: tf.Tensor, dy: tf.Tensor, attributes: tf.NamedAttrMap): tf.Tensor {
  const { activation } = attributes as unknown as Activated;
  return activation === 'relu' ? runFused(fusedKernels.activationBackward, { y, dy }) : dy;
}
