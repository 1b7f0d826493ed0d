/** Sums of rows by the number of their segment: the gradient of taking rows by number. */
import * as tf from '@tensorflow/tfjs-core';
import type { KernelHost } from './kernel-host.ts';
import { installKernel } from './registry.ts';

export function installSegmentSum(host: KernelHost): void {
  installKernel<{ numSegments: number }>('UnsortedSegmentSum', (inputs, { numSegments }, original) => {
    const x = inputs['x']!;
    const ids = inputs['segmentIds']!;
    const isFloat = x.dtype === 'float32';
    if (ids.shape.length !== 1 || !(isFloat || x.dtype === 'int32')) return original();
    const [count, ...rest] = x.shape as [number, ...number[]];
    const out = host.output([numSegments, ...rest], x.dtype);
    const sum = isFloat ? host.kernels.segmentSum : host.kernels.segmentSumInt;
    const width = tf.util.sizeFromShape(rest);
    sum(host.address(x), host.address(ids), host.address(out), count, width, numSegments);
    return out;
  });
}
