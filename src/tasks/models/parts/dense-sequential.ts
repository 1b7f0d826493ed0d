/** Stacks of dense layers in TensorFlow.js Layers: what other programs read. */
import { layers, type Sequential, sequential } from '@tensorflow/tfjs-layers';

/** Layers of these widths (inputs, hidden..., outputs) with logits as outputs and zeros as weights. The caller disposes of it. */
export function buildSequential([inputs, ...widths]: readonly number[]): Sequential {
  return sequential({
    layers: widths.map((units, index) =>
      layers.dense({
        name: `dense_${index}`,
        units,
        activation: index + 1 < widths.length ? 'relu' : 'linear',
        kernelInitializer: 'zeros',
        ...(index === 0 ? { inputShape: [inputs!] } : {}),
      }),
    ),
  });
}
