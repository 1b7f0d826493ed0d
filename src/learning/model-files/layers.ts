/** Models that are stacks of dense layers: they have names of their own in other programs' files. */

import type { ModelSpec } from '../../run/run-spec.ts';
import { modelLayout } from '../../tasks/models/model-layout.ts';

export type DenseModelSpec = Extract<ModelSpec, { readonly kind: 'mlp' | 'logistic-regression' }>;

export interface DenseLayer {
  /** `dense_0`, `dense_1`, ...: its name in exported files. */
  readonly name: string;
  readonly inputs: number;
  readonly units: number;
  /** ReLU after every layer but the last, whose outputs are logits. */
  readonly relu: boolean;
  /** First coordinate of the kernel, row-major inputs x units. */
  readonly kernelAt: number;
  /** First coordinate of the bias, `units` long, right after the kernel. */
  readonly biasAt: number;
}

/** The dense layers of `model` in order; their kernels and biases cover the flat vector without gaps. */
export function denseLayers(model: DenseModelSpec): DenseLayer[] {
  const kernels = modelLayout(model).filter(({ shape }) => shape.length === 2);
  return kernels.map(({ name, shape, at, length }, index) => ({
    name: name.slice(0, name.lastIndexOf('/')),
    inputs: shape[0]!,
    units: shape[1]!,
    relu: index + 1 < kernels.length,
    kernelAt: at,
    biasAt: at + length,
  }));
}

/** The model whose layers have these widths (inputs, hidden..., outputs): the inverse of `denseLayers`. */
export function modelOfWidths(widths: readonly number[]): DenseModelSpec {
  const [inputs, ...rest] = widths;
  const outputs = rest.pop();
  if (inputs === undefined || outputs === undefined) {
    throw new RangeError('a model has at least one layer');
  }
  return rest.length === 0
    ? { kind: 'logistic-regression', inputs, outputs }
    : { kind: 'mlp', inputs, hidden: rest, outputs };
}

/** Narrows a model to those that are stacks of dense layers. */
export function isDenseModel(model: ModelSpec): model is DenseModelSpec {
  return model.kind === 'mlp' || model.kind === 'logistic-regression';
}
