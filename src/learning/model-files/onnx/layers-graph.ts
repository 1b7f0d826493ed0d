/** Layers as nodes of an ONNX graph. Images are height x width x channels here and channels x height x width there. */
import type { ActivationName, Pair, Shape } from '../../../tasks/models/layers/layer-kind.ts';
import { type LayerOf, type LayerSpec, layerKindOf } from '../../../tasks/models/layers/layer-kinds.ts';
import { type LayersSpec, throughLayers } from '../../../tasks/models/layers/layers-spec.ts';
import type { OnnxGraph } from './graph.ts';

/** A value of the graph. */
interface Flow {
  readonly name: string;
  /** Of one example, channels last, whatever the order of the values. */
  readonly shape: Shape;
  readonly isChannelsFirst: boolean;
}

interface Tensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export class LayersGraph {
  readonly #graph: OnnxGraph;
  readonly #tensors: ReadonlyMap<string, Tensor>;

  /** `tensors`: of the model, by their names in its layout. */
  constructor(graph: OnnxGraph, tensors: ReadonlyMap<string, Tensor>) {
    this.#graph = graph;
    this.#tensors = tensors;
  }

  /** Adds the model behind the value called `input`; returns the name of its logits. */
  add(model: LayersSpec, input: string): string {
    const start: Flow = { name: input, shape: model.input, isChannelsFirst: false };
    const end = throughLayers<Flow>(model, start, (layer, inputs) => {
      const shape = layerKindOf(layer).shape(
        layer,
        inputs.map((flow) => flow.shape),
      ) as Shape;
      return { ...this.#layer(layer, inputs), shape };
    });
    return this.#last(end).name;
  }

  #layer(layer: LayerSpec, inputs: readonly Flow[]): Flow {
    const x = inputs[0]!;
    switch (layer.kind) {
      case 'dense':
        return this.#dense(layer, this.#last(x));
      case 'conv2d':
        return this.#finished(layer, this.#filtered(layer, 'kernel', x, 1));
      case 'depthwise-conv2d':
        return this.#finished(layer, this.#filtered(layer, 'depthwise_kernel', x, x.shape[2]!));
      case 'separable-conv2d': {
        const each = this.#filtered(layer, 'depthwise_kernel', x, x.shape[2]!);
        const one = { ...layer, kernel: [1, 1], strides: [1, 1], dilation: [1, 1] } as typeof layer;
        return this.#finished(layer, this.#filtered(one, 'pointwise_kernel', each, 1));
      }
      case 'max-pooling2d':
        return this.#pooled(layer, 'MaxPool', x);
      case 'average-pooling2d':
        return this.#pooled(layer, 'AveragePool', x);
      case 'global-average-pooling2d':
        return this.#overall('GlobalAveragePool', x);
      case 'global-max-pooling2d':
        return this.#overall('GlobalMaxPool', x);
      case 'flatten':
        return this.#on(this.#last(x), 'Flatten', [], { axis: 1 });
      case 'reshape':
        return this.#on(this.#last(x), 'Reshape', [this.#graph.integers([0, ...layer.shape])]);
      case 'zero-padding2d': {
        const [[top, bottom], [left, right]] = [layer.height, layer.width];
        const pads = this.#graph.integers([0, top, left, 0, 0, bottom, right, 0]);
        return this.#on(this.#last(x), 'Pad', [pads]);
      }
      case 'activation':
        return this.#activated(x, layer.activation);
      case 'dropout':
        return x;
      case 'layer-normalization': {
        const [gain, bias] = [this.#weights(layer, 'gain'), this.#weights(layer, 'bias')];
        return this.#on(this.#last(x), 'LayerNormalization', [gain, bias], {
          axis: -1,
          epsilon: { float: layer.epsilon },
        });
      }
      case 'group-normalization':
        return this.#groupNorm(layer, this.#first(x));
      case 'add':
        return this.#together('Add', inputs);
      case 'multiply':
        return this.#together('Mul', inputs);
      case 'concatenate': {
        const all = inputs.map((flow) => this.#last(flow));
        return {
          ...all[0]!,
          name: this.#graph.node(
            'Concat',
            all.map(({ name }) => name),
            { axis: x.shape.length },
          ),
        };
      }
      default:
        return layer satisfies never;
    }
  }

  #on(
    x: Flow,
    op: string,
    others: readonly string[],
    attributes: Parameters<OnnxGraph['node']>[2] = {},
  ): Flow {
    return { ...x, name: this.#graph.node(op, [x.name, ...others], attributes) };
  }

  #last(x: Flow): Flow {
    return x.isChannelsFirst
      ? { ...this.#on(x, 'Transpose', [], { perm: [0, 2, 3, 1] }), isChannelsFirst: false }
      : x;
  }

  #first(x: Flow): Flow {
    return x.isChannelsFirst
      ? x
      : { ...this.#on(x, 'Transpose', [], { perm: [0, 3, 1, 2] }), isChannelsFirst: true };
  }

  #weights(layer: LayerSpec, name: string): string {
    const full = `${layer.name}/${name}`;
    const { shape, values } = this.#tensors.get(full)!;
    return this.#graph.weights(full, shape, values);
  }

  #dense(layer: LayerOf<'dense'>, x: Flow): Flow {
    const product = this.#on(x, 'MatMul', [this.#weights(layer, 'kernel')]);
    const sum = layer.bias ? this.#on(product, 'Add', [this.#weights(layer, 'bias')]) : product;
    return this.#activated(sum, layer.activation);
  }

  /** The sums of a convolution, channels first; its kernel becomes outputs x inputs of a group x height x width. */
  #filtered(layer: LayerSpec & Filtering, kernelName: string, x: Flow, groups: number): Flow {
    const full = `${layer.name}/${kernelName}`;
    const { shape, values } = this.#tensors.get(full)!;
    const [height, width, inputs, outputs] = shape as [number, number, number, number];
    const [rows, columns] = groups === 1 ? [outputs, inputs] : [inputs * outputs, 1];
    const turned = new Float32Array(values.length);
    const area = height * width;
    for (let place = 0; place < area; place++) {
      for (let pair = 0; pair < inputs * outputs; pair++) {
        const input = Math.floor(pair / outputs);
        const row = groups === 1 ? (pair % outputs) * inputs + input : pair;
        turned[row * area + place] = values[place * inputs * outputs + pair]!;
      }
    }
    const kernel = this.#graph.weights(full, [rows, columns, height, width], turned);
    const { strides, dilation } = layer;
    const attributes = {
      kernel_shape: [height, width],
      strides,
      dilations: dilation,
      group: groups,
      pads: padsOf(x.shape, { ...layer, window: [height, width] }),
    };
    const result = this.#on(this.#first(x), 'Conv', [kernel], attributes);
    // The shape for a second convolution behind it: its channels alone are read.
    return { ...result, shape: [x.shape[0]!, x.shape[1]!, rows] };
  }

  #finished(
    layer: LayerSpec & { readonly bias: boolean; readonly activation: ActivationName },
    sums: Flow,
  ): Flow {
    if (!layer.bias) return this.#activated(sums, layer.activation);
    return this.#activated(this.#on(sums, 'Add', [this.#byChannel(layer, 'bias')]), layer.activation);
  }

  /** One number for each channel, where they are first. */
  #byChannel(layer: LayerSpec, name: string): string {
    const full = `${layer.name}/${name}`;
    const { values } = this.#tensors.get(full)!;
    return this.#graph.weights(full, [values.length, 1, 1], values);
  }

  #pooled(layer: Pooling, op: string, x: Flow): Flow {
    const { pool, strides } = layer;
    const pads = padsOf(x.shape, { ...layer, window: pool, dilation: [1, 1] });
    return this.#on(this.#first(x), op, [], { kernel_shape: pool, strides, pads });
  }

  #overall(op: string, x: Flow): Flow {
    const pooled = this.#on(this.#first(x), op, []);
    return { ...this.#on(pooled, 'Flatten', [], { axis: 1 }), isChannelsFirst: false };
  }

  /** Instances of one channel for each group are normalised, as ONNX has had it longest. */
  #groupNorm(layer: LayerOf<'group-normalization'>, x: Flow): Flow {
    const { groups, epsilon } = layer;
    const [height, width, channels] = x.shape as [number, number, number];
    const grouped = this.#on(x, 'Reshape', [this.#graph.integers([0, groups, -1])]);
    const one = (value: number) => this.#graph.constant([groups], new Array<number>(groups).fill(value));
    const normed = this.#on(grouped, 'InstanceNormalization', [one(1), one(0)], {
      epsilon: { float: epsilon },
    });
    const back = this.#on(normed, 'Reshape', [this.#graph.integers([0, channels, height, width])]);
    return this.#on(this.#on(back, 'Mul', [this.#byChannel(layer, 'gain')]), 'Add', [
      this.#byChannel(layer, 'bias'),
    ]);
  }

  #together(op: string, inputs: readonly Flow[]): Flow {
    const [first, ...others] = inputs.map((flow) => this.#last(flow));
    return others.reduce((sum, other) => this.#on(sum, op, [other.name]), first!);
  }

  #activated(x: Flow, name: ActivationName): Flow {
    const number = (value: number) => this.#graph.constant([], [value]);
    switch (name) {
      case 'linear':
        return x;
      case 'relu':
        return this.#on(x, 'Relu', []);
      case 'relu6':
        return this.#on(x, 'Clip', [number(0), number(6)]);
      case 'elu':
        return this.#on(x, 'Elu', []);
      case 'selu':
        return this.#on(x, 'Selu', []);
      case 'sigmoid':
        return this.#on(x, 'Sigmoid', []);
      case 'softplus':
        return this.#on(x, 'Softplus', []);
      case 'tanh':
        return this.#on(x, 'Tanh', []);
      case 'silu':
        return this.#on(x, 'Mul', [this.#on(x, 'Sigmoid', []).name]);
      case 'gelu': {
        const inner = this.#on(this.#on(x, 'Mul', [number(Math.SQRT1_2)]), 'Erf', []);
        return this.#halfOf(x, inner);
      }
      case 'gelu-tanh': {
        const cube = this.#on(this.#on(x, 'Mul', [x.name]), 'Mul', [x.name]);
        const sum = this.#on(this.#on(cube, 'Mul', [number(0.044715)]), 'Add', [x.name]);
        return this.#halfOf(x, this.#on(this.#on(sum, 'Mul', [number(Math.sqrt(2 / Math.PI))]), 'Tanh', []));
      }
      default:
        return name satisfies never;
    }
  }

  /** x (1 + gate) / 2 */
  #halfOf(x: Flow, gate: Flow): Flow {
    const more = this.#on(gate, 'Add', [this.#graph.constant([], [1])]);
    return this.#on(this.#on(more, 'Mul', [x.name]), 'Mul', [this.#graph.constant([], [0.5])]);
  }
}

interface Filtering {
  readonly strides: Pair;
  readonly padding: 'same' | 'valid';
  readonly dilation: Pair;
}

interface Pooling {
  readonly pool: Pair;
  readonly strides: Pair;
  readonly padding: 'same' | 'valid';
}

/** Top, left, bottom, right: of an odd number the larger half comes after, as TensorFlow has it. */
function padsOf(
  shape: Shape,
  { window, strides, padding, dilation }: Filtering & { readonly window: Pair },
): number[] {
  const pads = [0, 1].map((axis) => {
    if (padding === 'valid') return [0, 0] as const;
    const covered = (window[axis]! - 1) * dilation[axis]! + 1;
    const total = Math.max(
      0,
      (Math.ceil(shape[axis]! / strides[axis]!) - 1) * strides[axis]! + covered - shape[axis]!,
    );
    return [Math.floor(total / 2), Math.ceil(total / 2)] as const;
  });
  return [pads[0]![0], pads[1]![0], pads[0]![1], pads[1]![1]];
}
