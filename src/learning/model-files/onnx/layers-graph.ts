/** Layers as nodes of an ONNX graph. Images are height x width x channels here and channels x height x width there. */
import { type ActivationName, type Shape, valuesOf } from '../../../tasks/models/layers/layer-kind.ts';
import { type LayerOf, type LayerSpec, layerKindOf } from '../../../tasks/models/layers/layer-kinds.ts';
import { type LayersSpec, throughLayers } from '../../../tasks/models/layers/layers-spec.ts';
import { addActivation } from '../../../tasks/models/parts/activation-graph.ts';
import type { GraphBuilder, GraphTensors } from '../../../tasks/models/parts/graph-builder.ts';
import { addRecurrent } from './recurrent-graph.ts';

/** Layers over sequences. */
type StepLayers =
  | 'conv1d'
  | 'max-pooling1d'
  | 'average-pooling1d'
  | 'global-average-pooling1d'
  | 'global-max-pooling1d'
  | 'lstm'
  | 'gru'
  | 'embedding';

/** A value of the graph. */
interface Flow {
  readonly name: string;
  /** Of one example, channels last, whatever the order of the values. */
  readonly shape: Shape;
  readonly isChannelsFirst: boolean;
}

export class LayersGraph {
  readonly #graph: GraphBuilder;
  readonly #tensors: GraphTensors;

  /** `tensors`: of the model, by their names in its layout. */
  constructor(graph: GraphBuilder, tensors: GraphTensors) {
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
      case 'concatenate':
        return this.#concatenated(inputs);
      case 'conv1d':
      case 'max-pooling1d':
      case 'average-pooling1d':
      case 'global-average-pooling1d':
      case 'global-max-pooling1d':
      case 'lstm':
      case 'gru':
      case 'embedding':
        return this.#ofSteps(layer, x);
      default:
        return layer satisfies never;
    }
  }

  #ofSteps(layer: LayerOf<StepLayers>, x: Flow): Flow {
    switch (layer.kind) {
      case 'conv1d': {
        const { stride, dilation, padding } = layer;
        const moved = { name: layer.name, strides: [stride], dilation: [dilation], padding };
        return this.#finished(layer, this.#filtered(moved, 'kernel', x, 1));
      }
      case 'max-pooling1d':
        return this.#pooled(alongSteps(layer), 'MaxPool', x);
      case 'average-pooling1d':
        return this.#pooled(alongSteps(layer), 'AveragePool', x);
      case 'global-average-pooling1d':
        return this.#overall('GlobalAveragePool', x);
      case 'global-max-pooling1d':
        return this.#overall('GlobalMaxPool', x);
      case 'lstm':
      case 'gru':
        return {
          ...x,
          name: addRecurrent(this.#graph, layer, this.#tensors, this.#last(x).name),
          isChannelsFirst: false,
        };
      case 'embedding': {
        const table = this.#weights(layer, 'embeddings');
        return { ...x, name: this.#graph.node('Gather', [table, x.name], { axis: 0 }) };
      }
      default:
        return layer satisfies never;
    }
  }

  #on(
    x: Flow,
    op: string,
    others: readonly string[],
    attributes: Parameters<GraphBuilder['node']>[2] = {},
  ): Flow {
    return { ...x, name: this.#graph.node(op, [x.name, ...others], attributes) };
  }

  #last(x: Flow): Flow {
    return x.isChannelsFirst
      ? { ...this.#on(x, 'Transpose', [], { perm: [0, ...sidesFrom(2, x), 1] }), isChannelsFirst: false }
      : x;
  }

  #first(x: Flow): Flow {
    return x.isChannelsFirst
      ? x
      : {
          ...this.#on(x, 'Transpose', [], { perm: [0, x.shape.length, ...sidesFrom(1, x)] }),
          isChannelsFirst: true,
        };
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

  /** The sums of a convolution, channels first; its kernel becomes outputs x inputs of a group x sides. */
  #filtered(layer: Moving & { readonly name: string }, kernelName: string, x: Flow, groups: number): Flow {
    const full = `${layer.name}/${kernelName}`;
    const { shape, values } = this.#tensors.get(full)!;
    const sides = shape.slice(0, -2);
    const [inputs, outputs] = shape.slice(-2) as [number, number];
    const [rows, columns] = groups === 1 ? [outputs, inputs] : [inputs * outputs, 1];
    const turned = new Float32Array(values.length);
    const area = valuesOf(sides);
    for (let place = 0; place < area; place++) {
      for (let pair = 0; pair < inputs * outputs; pair++) {
        const input = Math.floor(pair / outputs);
        const row = groups === 1 ? (pair % outputs) * inputs + input : pair;
        turned[row * area + place] = values[place * inputs * outputs + pair]!;
      }
    }
    const kernel = this.#graph.weights(full, [rows, columns, ...sides], turned);
    const { strides, dilation } = layer;
    const attributes = {
      kernel_shape: sides,
      strides,
      dilations: dilation,
      group: groups,
      pads: padsOf(x.shape, layer, sides),
    };
    const result = this.#on(this.#first(x), 'Conv', [kernel], attributes);
    // The shape for a second convolution behind it: its channels alone are read.
    return { ...result, shape: [...x.shape.slice(0, -1), rows] };
  }

  #finished(
    layer: LayerSpec & { readonly bias: boolean; readonly activation: ActivationName },
    sums: Flow,
  ): Flow {
    if (!layer.bias) return this.#activated(sums, layer.activation);
    const bias = this.#byChannel(layer, 'bias', sums);
    return this.#activated(this.#on(sums, 'Add', [bias]), layer.activation);
  }

  /** One number for each channel, where they are first. */
  #byChannel(layer: LayerSpec, name: string, x: Flow): string {
    const full = `${layer.name}/${name}`;
    const { values } = this.#tensors.get(full)!;
    return this.#graph.weights(full, [values.length, ...sidesFrom(1, x).map(() => 1)], values);
  }

  #pooled(layer: Pooling, op: string, x: Flow): Flow {
    const { pool, strides } = layer;
    const pads = padsOf(x.shape, { ...layer, dilation: pool.map(() => 1) }, pool);
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
    return this.#on(this.#on(back, 'Mul', [this.#byChannel(layer, 'gain', x)]), 'Add', [
      this.#byChannel(layer, 'bias', x),
    ]);
  }

  #concatenated(inputs: readonly Flow[]): Flow {
    const all = inputs.map((flow) => this.#last(flow));
    const names = all.map(({ name }) => name);
    return { ...all[0]!, name: this.#graph.node('Concat', names, { axis: all[0]!.shape.length }) };
  }

  #together(op: string, inputs: readonly Flow[]): Flow {
    const [first, ...others] = inputs.map((flow) => this.#last(flow));
    return others.reduce((sum, other) => this.#on(sum, op, [other.name]), first!);
  }

  #activated(x: Flow, name: ActivationName): Flow {
    return { ...x, name: addActivation(this.#graph, x.name, name) };
  }
}

/** How a window moves over the sides of an image, or over steps. */
interface Moving {
  readonly strides: readonly number[];
  readonly padding: 'same' | 'valid' | 'causal';
  readonly dilation: readonly number[];
}

interface Pooling {
  readonly pool: readonly number[];
  readonly strides: readonly number[];
  readonly padding: 'same' | 'valid';
}

function alongSteps({
  pool,
  stride,
  padding,
}: LayerOf<'max-pooling1d'> | LayerOf<'average-pooling1d'>): Pooling {
  return { pool: [pool], strides: [stride], padding };
}

/** Places of the sides among the dimensions, where the first of them has this one. */
function sidesFrom(first: number, { shape }: Flow): number[] {
  return shape.slice(1).map((_, index) => first + index);
}

/** Before each side, then after each: of an odd number the larger half comes after, as TensorFlow has it. */
function padsOf(shape: Shape, { strides, padding, dilation }: Moving, window: readonly number[]): number[] {
  const pads = window.map((each, axis) => {
    const covered = (each - 1) * dilation[axis]! + 1;
    if (padding === 'valid') return [0, 0] as const;
    if (padding === 'causal') return [covered - 1, 0] as const;
    const steps = Math.ceil(shape[axis]! / strides[axis]!) - 1;
    const total = Math.max(0, steps * strides[axis]! + covered - shape[axis]!);
    return [Math.floor(total / 2), Math.ceil(total / 2)] as const;
  });
  return [...pads.map(([before]) => before), ...pads.map(([, after]) => after)];
}
