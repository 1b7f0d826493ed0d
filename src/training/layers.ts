/** How a model's dense layers lie in the flat parameter vector. */
import type { ModelSpec } from '../protocol/run-spec.ts';

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
export function denseLayers(model: ModelSpec): DenseLayer[] {
  const widths = [model.inputs, ...(model.kind === 'mlp' ? model.hidden : []), model.outputs];
  const layers: DenseLayer[] = [];
  let at = 0;
  for (let index = 0; index + 1 < widths.length; index++) {
    const inputs = widths[index]!;
    const units = widths[index + 1]!;
    const biasAt = at + inputs * units;
    layers.push({
      name: `dense_${index}`,
      inputs,
      units,
      relu: index + 2 < widths.length,
      kernelAt: at,
      biasAt,
    });
    at = biasAt + units;
  }
  return layers;
}

/** The model whose layers have these widths (inputs, hidden..., outputs): the inverse of `denseLayers`. */
export function modelOfWidths(widths: readonly number[]): ModelSpec {
  const [inputs, ...rest] = widths;
  const outputs = rest.pop();
  if (inputs === undefined || outputs === undefined) {
    throw new RangeError('a model has at least one layer');
  }
  return rest.length === 0
    ? { kind: 'logistic-regression', inputs, outputs }
    : { kind: 'mlp', inputs, hidden: rest, outputs };
}

/** @throws RangeError unless `vector` has one number per parameter of `model`. */
export function checkLength(model: ModelSpec, vector: Float32Array): void {
  const last = denseLayers(model).at(-1)!;
  const size = last.biasAt + last.units;
  if (vector.length !== size) {
    throw new RangeError(`the model has ${size} parameters, the vector ${vector.length}`);
  }
}
