/**
 * How a model's tensors lie in the flat parameter vector, and what they start as. Peers must agree on both to the
 * bit, so all of it follows from the model's description alone.
 */
import type { ImageModelSpec, ModelSpec } from '../../run/run-spec.ts';

/** What a tensor holds before the first step; `uniform` is drawn from [-bound, bound). */
export type StartValues =
  | { readonly kind: 'zeros' }
  | { readonly kind: 'ones' }
  | { readonly kind: 'uniform'; readonly bound: number };

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

/** Symbols of the byte-level language model. */
export const byteVocabulary = 256;

/** Standard deviation of the start values of GPT-2 (Radford et al., "Language models are unsupervised multitask learners", 2019). */
const gptDeviation = 0.02;

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
const withDeviation = (deviation: number): StartValues => ({
  kind: 'uniform',
  bound: deviation * Math.sqrt(3),
});

/** The tensors of `model` in order; they cover the flat vector without gaps. */
export function modelLayout(model: ModelSpec): TensorLayout[] {
  const layout = new LayoutBuilder();
  switch (model.kind) {
    case 'logistic-regression':
      layout.denseStack([model.inputs, model.outputs]);
      break;
    case 'mlp':
      layout.denseStack([model.inputs, ...model.hidden, model.outputs]);
      break;
    case 'lenet':
      layout.convolution('conv_0', 5, model.channels, 6);
      layout.convolution('conv_1', 5, 6, 16);
      layout.denseStack([lenetFeatures(model), 120, 84, model.outputs]);
      break;
    case 'gn-lenet':
      for (const [index, [inputs, outputs]] of gnLenetChannels(model).entries()) {
        layout.convolution(`conv_${index}`, 5, inputs, outputs);
        layout.norm(`norm_${index}`, outputs);
      }
      layout.denseStack([64 * (model.height >> 3) * (model.width >> 3), model.outputs]);
      break;
    case 'resnet-8':
      resnetLayout(layout, model);
      break;
    case 'gpt':
      gptLayout(layout, model);
      break;
    default:
      model satisfies never;
  }
  return layout.tensors;
}

/** Number of parameters of a model. */
export function parameterCount(model: ModelSpec): number {
  const last = modelLayout(model).at(-1)!;
  return last.at + last.length;
}

/** Values per example: features, pixels times channels, or bytes of context. */
export function inputsOf(model: ModelSpec): number {
  switch (model.kind) {
    case 'mlp':
    case 'logistic-regression':
      return model.inputs;
    case 'gpt':
      return model.context;
    default:
      return model.height * model.width * model.channels;
  }
}

/** Classes a model tells apart; of a language model the bytes that may come next. */
export function outputsOf(model: ModelSpec): number {
  return model.kind === 'gpt' ? byteVocabulary : model.outputs;
}

/** @throws RangeError unless `vector` has one number per parameter of `model`. */
export function checkLength(model: ModelSpec, vector: Float32Array): void {
  const size = parameterCount(model);
  if (vector.length !== size) {
    throw new RangeError(`the model has ${size} parameters, the vector ${vector.length}`);
  }
}

/** Channels in and out of the three convolutions of GN-LeNet (Hsieh et al., "The non-IID data quagmire", 2020). */
export function gnLenetChannels(model: ImageModelSpec): readonly (readonly [number, number])[] {
  return [
    [model.channels, 32],
    [32, 32],
    [32, 64],
  ];
}

/** Channels in and out, and the stride, of the three residual blocks of ResNet-8. */
export const resnetBlocks = [
  { inputs: 16, outputs: 16, stride: 1 },
  { inputs: 16, outputs: 32, stride: 2 },
  { inputs: 32, outputs: 64, stride: 2 },
] as const;

/** Values that reach the first dense layer of LeNet-5: the first convolution keeps the size, the second takes 4 off. */
function lenetFeatures({ height, width }: ImageModelSpec): number {
  const side = (length: number) => ((length >> 1) - 4) >> 1;
  return 16 * side(height) * side(width);
}

/** One block a stage, three stages (He et al., "Deep residual learning", 2016, n = 1), with group normalisation. */
function resnetLayout(layout: LayoutBuilder, model: ImageModelSpec): void {
  layout.convolution('stem', 3, model.channels, 16, false);
  layout.norm('stem_norm', 16);
  for (const [index, { inputs, outputs, stride }] of resnetBlocks.entries()) {
    const name = `block_${index}`;
    layout.convolution(`${name}/conv_0`, 3, inputs, outputs, false);
    layout.norm(`${name}/norm_0`, outputs);
    layout.convolution(`${name}/conv_1`, 3, outputs, outputs, false);
    layout.norm(`${name}/norm_1`, outputs);
    if (stride > 1) layout.convolution(`${name}/shortcut`, 1, inputs, outputs, false);
  }
  layout.denseStack([64, model.outputs]);
}

/** GPT-2 with the logits' matrix tied to the embedding; what writes into the residual stream starts smaller with depth. */
function gptLayout(layout: LayoutBuilder, model: Extract<ModelSpec, { kind: 'gpt' }>): void {
  const { width, context, layers } = model;
  const plain = withDeviation(gptDeviation);
  const residual = withDeviation(gptDeviation / Math.sqrt(2 * layers));
  layout.add('token_embedding', [byteVocabulary, width], plain);
  layout.add('position_embedding', [context, width], plain);
  for (let index = 0; index < layers; index++) {
    const name = `block_${index}`;
    layout.norm(`${name}/norm_0`, width);
    layout.dense(`${name}/attention_in`, width, 3 * width, plain);
    layout.dense(`${name}/attention_out`, width, width, residual);
    layout.norm(`${name}/norm_1`, width);
    layout.dense(`${name}/feed_in`, width, 4 * width, plain);
    layout.dense(`${name}/feed_out`, 4 * width, width, residual);
  }
  layout.norm('norm', width);
}

class LayoutBuilder {
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
