/** What built-in models are made of, as layers that other programs know. Their start values are the models' own. */
import type { LayerOf, LayerSpec } from '../layers/layer-kinds.ts';
import type { LayersSpec } from '../layers/layers-spec.ts';

/** Dense layers of these widths (inputs, hidden..., outputs), ReLU between them; `from`: what the first takes. */
export function denseLayers([, ...widths]: readonly number[]): LayerOf<'dense'>[] {
  return widths.map((units, index) => ({
    kind: 'dense',
    name: `dense_${index}`,
    units,
    activation: index + 1 < widths.length ? 'relu' : 'linear',
    bias: true,
    deviation: 0,
  }));
}

export function denseModelOf(widths: readonly number[]): LayersSpec {
  return { kind: 'layers', input: [widths[0]!], layers: denseLayers(widths) };
}

interface ConvolutionParts {
  readonly padding?: 'same' | 'valid';
  readonly stride?: number;
  readonly bias?: boolean;
  readonly activation?: 'linear' | 'relu';
  readonly from?: string;
}

/** A square filter. */
export function convolutionOf(
  name: string,
  side: number,
  filters: number,
  parts: ConvolutionParts = {},
): LayerSpec {
  const { padding = 'same', stride = 1, bias = true, activation = 'linear', from } = parts;
  const strides: [number, number] = [stride, stride];
  return {
    ...{ kind: 'conv2d', name, filters, kernel: [side, side], strides, padding, dilation: [1, 1] },
    ...{ activation, bias, deviation: 0 },
    ...(from === undefined ? {} : { from: [from] }),
  };
}

/** Halves height and width. */
export function halvingOf(name: string): LayerSpec {
  return { kind: 'max-pooling2d', name, pool: [2, 2], strides: [2, 2], padding: 'valid' };
}

export function reluOf(name: string): LayerSpec {
  return { kind: 'activation', name, activation: 'relu' };
}

export function groupNormOf(name: string, groups: number): LayerSpec {
  return { kind: 'group-normalization', name, groups, epsilon: 1e-5 };
}
