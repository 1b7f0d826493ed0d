/**
 * Layers as kernels of their own, with their gradients, under names that TensorFlow.js does not have. What they compute is
 * said by `operations`, which takes them where they are installed.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Activation } from '../operations/dense.ts';
import { fusedKernels, runFused, runKernel } from '../operations/fused-kernels.ts';
import type { KernelHost } from './kernel-host.ts';
import { installGradient, installKernel } from './registry.ts';

export function installFusedLayers(host: KernelHost): void {
  installLayerNorm(host);
  installGroupNorm(host);
  installGelu(host);
  installCrossEntropy(host);
  installAttention(host);
}

function installLayerNorm(host: KernelHost): void {
  const { kernels } = host;
  const { layerNorm, layerNormBackward } = fusedKernels;
  installKernel<{ epsilon: number }>(layerNorm, ({ x, gain, bias }, { epsilon }) => {
    const [rows, width] = x!.shape as [number, number];
    const [y, statistics] = [host.output(x!.shape), host.output([rows, 2])];
    const [from, to] = [host.address(x!), host.address(y)];
    const [gains, biases] = [host.address(gain!), host.address(bias!)];
    kernels.layerNormForward(from, gains, biases, to, host.address(statistics), rows, width, epsilon);
    return [y, statistics];
  });
  installKernel(layerNormBackward, ({ x, gain, statistics, dy }) => {
    const [rows, width] = x!.shape as [number, number];
    const out = [host.output(x!.shape), host.output(gain!.shape), host.output(gain!.shape)];
    const [dx, dGain, dBias] = out.map((info) => host.address(info)) as [number, number, number];
    const [from, gains] = [host.address(x!), host.address(gain!)];
    const changes = host.address(dy!);
    kernels.layerNormBackward(from, gains, host.address(statistics!), changes, dx, dGain, dBias, rows, width);
    return out;
  });
  installGradient(
    layerNorm,
    { inputs: ['x', 'gain'], outputs: [false, true] },
    (dy, [x, gain, statistics]) => {
      const inputs = { x: x!, gain: gain!, statistics: statistics!, dy };
      const [dx, dGain, dBias] = runKernel(layerNormBackward, inputs) as [tf.Tensor, tf.Tensor, tf.Tensor];
      return { x: () => dx, gain: () => dGain, bias: () => dBias };
    },
  );
}

function installGroupNorm(host: KernelHost): void {
  const { kernels } = host;
  const { groupNorm, groupNormBackward, activationBackward } = fusedKernels;
  const sizes = (shape: readonly number[], groups: number): [number, number, number, number] => {
    const [rows, height, width, channels] = shape as [number, number, number, number];
    return [rows, height * width, groups, channels / groups];
  };
  installKernel<{ groups: number; epsilon: number; activation: Activation }>(
    groupNorm,
    ({ x, gain, bias }, { groups, epsilon, activation }) => {
      const least = activation === 'relu' ? 0 : -Infinity;
      const [y, statistics] = [host.output(x!.shape), host.output([x!.shape[0]!, 2, x!.shape[3]!])];
      const [from, to] = [host.address(x!), host.address(y)];
      const [gains, biases] = [host.address(gain!), host.address(bias!)];
      const kept = host.address(statistics);
      kernels.groupNormForward(from, gains, biases, to, kept, ...sizes(x!.shape, groups), epsilon, least);
      return [y, statistics];
    },
  );
  installKernel<{ groups: number }>(groupNormBackward, ({ x, gain, statistics, dy }, { groups }) => {
    const out = [host.output(x!.shape), host.output(gain!.shape), host.output(gain!.shape)];
    const [dx, dGain, dBias] = out.map((info) => host.address(info)) as [number, number, number];
    const scratch = host.scratch(8 * x!.shape[3]!);
    const [from, gains] = [host.address(x!), host.address(gain!)];
    const [kept, changes] = [host.address(statistics!), host.address(dy!)];
    const size = sizes(x!.shape, groups);
    kernels.groupNormBackward(from, gains, kept, changes, dx, dGain, dBias, scratch, ...size);
    return out;
  });
  installGradient(
    groupNorm,
    { inputs: ['x', 'gain'], outputs: [true, true] },
    (dy, [x, gain, y, statistics], { groups, activation }) => {
      const dz = activation === 'relu' ? runFused(activationBackward, { y: y!, dy }) : dy;
      const inputs = { x: x!, gain: gain!, statistics: statistics!, dy: dz };
      const results = runKernel(groupNormBackward, inputs, { groups: groups! });
      const [dx, dGain, dBias] = results as [tf.Tensor, tf.Tensor, tf.Tensor];
      return { x: () => dx, gain: () => dGain, bias: () => dBias };
    },
  );
}

function installGelu(host: KernelHost): void {
  const { gelu, geluBackward } = fusedKernels;
  installKernel(gelu, ({ x }) => {
    const y = host.output(x!.shape);
    host.kernels.geluForward(host.address(x!), host.address(y), tf.util.sizeFromShape(x!.shape));
    return y;
  });
  installKernel(geluBackward, ({ x, dy }) => {
    const dx = host.output(x!.shape);
    const [from, changes] = [host.address(x!), host.address(dy!)];
    host.kernels.geluBackward(from, changes, host.address(dx), tf.util.sizeFromShape(x!.shape));
    return dx;
  });
  installGradient(gelu, { inputs: ['x'] }, (dy, [x]) => ({
    x: () => runFused(geluBackward, { x: x!, dy }),
  }));
}

function installCrossEntropy(host: KernelHost): void {
  const { kernels } = host;
  const { crossEntropy, crossEntropyBackward } = fusedKernels;
  installKernel(crossEntropy, ({ logits, labels }) => {
    const [rows, classes] = logits!.shape as [number, number];
    const [losses, probabilities] = [host.output([rows]), host.output(logits!.shape)];
    const [from, right] = [host.address(logits!), host.address(labels!)];
    const [to, kept] = [host.address(losses), host.address(probabilities)];
    kernels.crossEntropyForward(from, right, to, kept, rows, classes);
    return [losses, probabilities];
  });
  installKernel(crossEntropyBackward, ({ probabilities, labels, dy }) => {
    const [rows, classes] = probabilities!.shape as [number, number];
    const out = host.output(probabilities!.shape);
    const [kept, right] = [host.address(probabilities!), host.address(labels!)];
    kernels.crossEntropyBackward(kept, right, host.address(dy!), host.address(out), rows, classes);
    return out;
  });
  installGradient(
    crossEntropy,
    { inputs: ['labels'], outputs: [false, true] },
    (dy, [labels, probabilities]) => ({
      logits: () => runFused(crossEntropyBackward, { probabilities: probabilities!, labels: labels!, dy }),
    }),
  );
}

interface AttentionAttributes {
  readonly rows: number;
  readonly context: number;
  readonly heads: number;
}

function installAttention(host: KernelHost): void {
  const { kernels } = host;
  const { attention, attentionBackward } = fusedKernels;
  const sizes = (
    { rows, context, heads }: AttentionAttributes,
    width: number,
  ): [number, number, number, number] => [rows, context, heads, width / 3 / heads];
  installKernel<AttentionAttributes>(attention, ({ qkv }, attributes) => {
    const { rows, context, heads } = attributes;
    const [count, width] = qkv!.shape as [number, number];
    const out = host.output([count, width / 3]);
    const weights = host.output([rows, heads, context, context]);
    const scratch = host.scratch(kernels.gemmScratchBytes());
    const [from, to, kept] = [host.address(qkv!), host.address(out), host.address(weights)];
    kernels.attentionForward(from, to, kept, ...sizes(attributes, width), scratch);
    return [out, weights];
  });
  installKernel<AttentionAttributes>(attentionBackward, ({ qkv, weights, dy }, attributes) => {
    const out = host.output(qkv!.shape);
    const scratch = host.scratch(kernels.attentionScratchBytes(attributes.context));
    const [from, kept] = [host.address(qkv!), host.address(weights!)];
    const [changes, to] = [host.address(dy!), host.address(out)];
    kernels.attentionBackward(from, kept, changes, to, ...sizes(attributes, qkv!.shape[1]!), scratch);
    return out;
  });
  installGradient(
    attention,
    { inputs: ['qkv'], outputs: [false, true] },
    (dy, [qkv, weights], attributes) => ({
      qkv: () => runFused(attentionBackward, { qkv: qkv!, weights: weights!, dy }, attributes),
    }),
  );
}
