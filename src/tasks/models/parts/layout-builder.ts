/** Puts a model's tensors one after the other into the flat parameter vector. */

/** What a tensor holds before the first step; `uniform` is drawn from [-bound, bound). */
export type StartValues =
  | { readonly kind: 'zeros' }
  | { readonly kind: 'ones' }
  /** Ones from one place of the tensor to before another. */
  | { readonly kind: 'ones-among-zeros'; readonly from: number; readonly to: number }
  | { readonly kind: 'uniform'; readonly bound: number }
  /** By a trainer alone. */
  | { readonly kind: 'given' };

export interface TensorLayout {
  /** `dense_0/kernel`: its name in exported files. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly start: StartValues;
  /** First coordinate in the flat vector, row-major. */
  readonly at: number;
  /** Product of the shape. */
  readonly length: number;
}

const zeros: StartValues = { kind: 'zeros' };
const ones: StartValues = { kind: 'ones' };
/** He et al., "Delving deep into rectifiers", 2015: for a layer with ReLU behind it. */
const beforeRelu = (fanIn: number): StartValues => ({ kind: 'uniform', bound: Math.sqrt(6 / fanIn) });
/** Glorot, Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010. */
const beforeLinear = (fanIn: number, fanOut: number): StartValues => ({
  kind: 'uniform',
  bound: Math.sqrt(6 / (fanIn + fanOut)),
});
/** Uniform with the standard deviation `deviation`: needs no logarithm or cosine, whose last bits differ between engines. */
export const withDeviation = (deviation: number): StartValues => ({
  kind: 'uniform',
  bound: deviation * Math.sqrt(3),
});

export class LayoutBuilder {
  readonly tensors: TensorLayout[] = [];

  add(name: string, shape: readonly number[], start: StartValues): void {
    const last = this.tensors.at(-1);
    const length = shape.reduce((product, dimension) => product * dimension, 1);
    this.tensors.push({ name, shape, start, at: last ? last.at + last.length : 0, length });
  }

  dense(name: string, inputs: number, units: number, start: StartValues): void {
    this.add(`${name}/kernel`, [inputs, units], start);
    this.add(`${name}/bias`, [units], zeros);
  }

  /** Dense layers of these widths, ReLU after every one but the last. */
  denseStack(widths: readonly number[]): void {
    for (let index = 0; index + 1 < widths.length; index++) {
      const [inputs, units] = [widths[index]!, widths[index + 1]!];
      const relu = index + 2 < widths.length;
      this.dense(`dense_${index}`, inputs, units, relu ? beforeRelu(inputs) : beforeLinear(inputs, units));
    }
  }

  /** A square filter with ReLU behind it, height x width x inputs x outputs. */
  convolution(name: string, side: number, inputs: number, outputs: number, bias = true): void {
    this.add(`${name}/kernel`, [side, side, inputs, outputs], beforeRelu(side * side * inputs));
    if (bias) this.add(`${name}/bias`, [outputs], zeros);
  }

  norm(name: string, channels: number): void {
    this.add(`${name}/gain`, [channels], ones);
    this.add(`${name}/bias`, [channels], zeros);
  }
}
