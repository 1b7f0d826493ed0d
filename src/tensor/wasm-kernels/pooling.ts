/** The gradient of maxima over windows: the backend's own looks for each maximum again, one number at a time. */
import * as tf from '@tensorflow/tfjs-core';
import { placeGeometry } from './geometry.ts';
import type { KernelHost } from './kernel-host.ts';
import { installKernel } from './registry.ts';

interface PoolingAttributes {
  readonly filterSize: [number, number] | number;
  readonly strides: [number, number] | number;
  readonly pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

export function installPooling(host: KernelHost): void {
  installKernel<PoolingAttributes>('MaxPoolGrad', (inputs, attributes, original) => {
    const { dy, input, output } = inputs as Record<'dy' | 'input' | 'output', tf.TensorInfo>;
    if (input.dtype !== 'float32' || dy.dtype !== 'float32') return original();
    const { filterSize, strides, pad, dimRoundingMode } = attributes;
    const shape = input.shape as [number, number, number, number];
    const info = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
    const dx = host.output(shape);
    host.kernels.maxPoolGradient(
      placeGeometry(host, info),
      host.address(input),
      host.address(output),
      host.address(dy),
      host.address(dx),
    );
    return dx;
  });
}
