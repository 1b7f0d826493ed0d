/** Steps of optimisers, which rewrite parameters and state where they are: no result, no new tensor. */
import * as tf from '@tensorflow/tfjs-core';
import { fusedKernels } from '../operations/fused-kernels.ts';
import type { KernelHost } from './kernel-host.ts';
import { installKernel } from './registry.ts';

interface MomentumAttributes {
  readonly rate: number;
  readonly scale: number;
  readonly momentum: number;
}

interface AdamAttributes {
  readonly rate: number;
  readonly scale: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly rootScale: number;
  readonly epsilon: number;
  readonly decay: number;
}

export function installOptimisers(host: KernelHost): void {
  const { kernels } = host;
  installKernel(fusedKernels.squaredNorm, ({ x }) => {
    const out = host.output([]);
    const norm = kernels.sumOfSquares(host.address(x!), tf.util.sizeFromShape(x!.shape));
    host.writeFloat(host.address(out), norm);
    return out;
  });
  installKernel<MomentumAttributes>(fusedKernels.momentumStep, (inputs, attributes) => {
    const { parameter, gradient, velocity } = inputs;
    const [to, by] = [host.address(parameter!), host.address(gradient!)];
    const size = tf.util.sizeFromShape(parameter!.shape);
    const { rate, scale, momentum } = attributes;
    if (velocity === undefined) kernels.descentStep(to, by, size, rate * scale);
    else kernels.momentumStep(to, by, host.address(velocity), size, rate, scale, momentum);
    return [];
  });
  installKernel<AdamAttributes>(fusedKernels.adamStep, (inputs, attributes) => {
    const { parameter, gradient, mean, square } = inputs;
    const { rate, scale, beta1, beta2, rootScale, epsilon, decay } = attributes;
    kernels.adamStep(
      host.address(parameter!),
      host.address(gradient!),
      host.address(mean!),
      host.address(square!),
      tf.util.sizeFromShape(parameter!.shape),
      rate,
      scale,
      beta1,
      1 - beta1,
      beta2,
      1 - beta2,
      rootScale,
      epsilon,
      decay,
    );
    return [];
  });
}
