/** What DP-SGD asks of a batch: norms and sums over the rows of examples, and gradients of normalisations for each of them. */
import * as tf from '@tensorflow/tfjs-core';
import { addInBlocks, blockWords, edges, type NormalNoise, ratios } from '../../math/normal-noise.ts';
import { fusedKernels } from '../operations/fused-kernels.ts';
import type { KernelHost } from './kernel-host.ts';
import { installKernel } from './registry.ts';

export function installExampleGradients(host: KernelHost): void {
  installSquares(host);
  installSum(host);
  installLayerNorm(host);
  installGroupNorm(host);
  installNormalNoise(host);
}

/** Sum of the squares of each row. */
function installSquares(host: KernelHost): void {
  installKernel(fusedKernels.exampleSquares, ({ x }) => {
    const [rows, width] = x!.shape as [number, number];
    const out = host.output([rows]);
    const [from, to] = [host.address(x!), host.address(out)];
    for (let row = 0; row < rows; row++) {
      host.writeFloat(to + 4 * row, host.kernels.sumOfSquares(from + 4 * row * width, width));
    }
    return out;
  });
}

/** Sum of the rows times their factors. */
function installSum(host: KernelHost): void {
  installKernel<{ factors: Float32Array }>(fusedKernels.exampleSum, ({ x }, { factors }) => {
    const [rows, width] = x!.shape as [number, number];
    const out = host.output([width]);
    const [from, to] = [host.address(x!), host.address(out)];
    host.floats(to, width).fill(0);
    for (let row = 0; row < rows; row++) {
      if (factors[row] === 0) continue;
      host.kernels.descentStep(to, from + 4 * row * width, width, -factors[row]!);
    }
    return out;
  });
}

function installLayerNorm(host: KernelHost): void {
  installKernel<{ examples: number }>(
    fusedKernels.exampleLayerNorm,
    ({ x, gain, statistics, dy }, { examples }) => {
      const [rows, width] = x!.shape as [number, number];
      const places = rows / examples;
      const out = [host.output(x!.shape), host.output([examples, width]), host.output([examples, width])];
      const [dx, dGain, dBias] = out.map((info) => host.address(info)) as [number, number, number];
      const [from, gains] = [host.address(x!), host.address(gain!)];
      const [kept, changes] = [host.address(statistics!), host.address(dy!)];
      for (let example = 0; example < examples; example++) {
        const at = 4 * example * places * width;
        const weights = 4 * example * width;
        host.kernels.layerNormBackward(
          from + at,
          gains,
          kept + 8 * example * places,
          changes + at,
          dx + at,
          dGain + weights,
          dBias + weights,
          places,
          width,
        );
      }
      return out;
    },
  );
}

function installGroupNorm(host: KernelHost): void {
  installKernel<{ groups: number }>(
    fusedKernels.exampleGroupNorm,
    ({ x, gain, statistics, dy }, { groups }) => {
      const [examples, height, width, channels] = x!.shape as [number, number, number, number];
      const pixels = height * width;
      const out = [
        host.output(x!.shape),
        host.output([examples, channels]),
        host.output([examples, channels]),
      ];
      const [dx, dGain, dBias] = out.map((info) => host.address(info)) as [number, number, number];
      const scratch = host.scratch(8 * channels);
      const [from, gains] = [host.address(x!), host.address(gain!)];
      const [kept, changes] = [host.address(statistics!), host.address(dy!)];
      for (let example = 0; example < examples; example++) {
        const at = 4 * example * pixels * channels;
        const weights = 4 * example * channels;
        host.kernels.groupNormBackward(
          from + at,
          gains,
          kept + 2 * weights,
          changes + at,
          dx + at,
          dGain + weights,
          dBias + weights,
          scratch,
          1,
          pixels,
          groups,
          channels / groups,
        );
      }
      return out;
    },
  );
}

function installNormalNoise(host: KernelHost): void {
  installKernel<{ noise: NormalNoise }>(fusedKernels.addNormal, ({ x }, { noise }) => {
    const count = tf.util.sizeFromShape(x!.shape);
    const words = Math.min(blockWords, 2 * count);
    const tables = host.scratch(16 * ratios.length + 4 * words);
    const [from, drawn] = [host.address(x!), tables + 16 * ratios.length];
    host.doubles(tables, ratios.length).set(edges.subarray(0, ratios.length));
    host.doubles(tables + 8 * ratios.length, ratios.length).set(ratios);
    const { deviation, factor } = noise;
    addInBlocks(host.floats(from, count), noise, host.words(drawn, words), (at, next, most) =>
      host.kernels.addNormal(from + 4 * at, most, drawn + 4 * next, tables, deviation, factor),
    );
    return [];
  });
}
