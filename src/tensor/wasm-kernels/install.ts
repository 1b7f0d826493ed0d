/**
 * Makes training on the WebAssembly backend of TensorFlow.js possible and fast. Of its own kernels the transposed matrix
 * products run at 1 GFLOP/s, and gradients of convolutions and of taking rows by number are missing altogether.
 */
import * as tf from '@tensorflow/tfjs-core';
import { installConvolutions } from './conv2d.ts';
import { installConvolutionGradients } from './conv2d-gradient.ts';
import { installEinsum } from './einsum.ts';
import { installExampleGradients } from './example-gradients.ts';
import { installFusedLayers } from './fused-layers.ts';
import { installIdentity } from './identity.ts';
import { type KernelBuild, KernelHost } from './kernel-host.ts';
import { installMatMul } from './matmul.ts';
import { installOptimisers } from './optimisers.ts';
import { installPooling } from './pooling.ts';
import { installSegmentSum } from './segment-sum.ts';
import { installWeightedLayers } from './weighted-layers.ts';

let installed: { readonly host: KernelHost; readonly build: KernelBuild } | null = null;

/** Registers our kernels with the running WebAssembly backend; once per thread, as there is one backend. */
export function installWasmKernels(build: KernelBuild): void {
  if (installed !== null) {
    if (installed.build !== build) {
      throw new Error(`this thread already has the ${installed.build} kernels`);
    }
    return;
  }
  const host = new KernelHost(tf.backend(), build);
  installMatMul(host);
  installConvolutions(host);
  installConvolutionGradients();
  installPooling(host);
  installSegmentSum(host);
  installIdentity(host);
  installEinsum();
  installFusedLayers(host);
  installWeightedLayers(host);
  installOptimisers(host);
  installExampleGradients(host);
  installed = { host, build };
}
