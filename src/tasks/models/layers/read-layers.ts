/** A `model.json` of TensorFlow.js or Keras as a model of layers. What it says is a stranger's claim: nothing of it is executed. */
import * as z from 'zod';
import { LayerConfig, LayersFileError } from './layer-config.ts';
import { length, plainName, type Shape, valuesOf } from './layer-kind.ts';
import { type LayerSpec, layerKindOf, layerSchema, readers } from './layer-kinds.ts';
import { inputName, type LayersSpec } from './layers-spec.ts';
import { type FileLayer, type Topology, topologyOf } from './topology.ts';

const inputShape = z.array(length).min(1).max(3);

/** Where layers of other classes lead: why not, and what to use. */
const advice: Readonly<Record<string, string>> = {
  BatchNormalization:
    'its running statistics are no parameters that peers could average; use GroupNormalization or LayerNormalization',
  Lambda: 'it is code, and no file brings code into a run; use layers of the list in docs/CONFIG.md',
  Bidirectional: 'use LSTM or GRU, which go forward',
  LeakyReLU: 'use elu, gelu or silu',
  Rescaling: 'values are scaled by the task of the run, the same at every node: leave it out',
  Normalization: 'values are scaled by the task of the run, the same at every node: leave it out',
  GaussianNoise: 'a round must give the same bits whoever repeats it: leave it out',
  Sequential: 'it is a model inside a model: put its layers into the outer one',
  Functional: 'it is a model inside a model: put its layers into the outer one',
};

/** @throws LayersFileError with one sentence that names the layer and says what to do */
export function readLayers(json: unknown): LayersSpec {
  const topology = topologyOf(json);
  return new Reading(topology).result();
}

/** A value of the file's graph: which layer of ours gives it, and its shape. */
interface Value {
  readonly name: string;
  readonly shape: Shape;
}

class Reading {
  readonly #topology: Topology;
  readonly #layers: LayerSpec[] = [];
  /** By the names of the file. */
  readonly #values = new Map<string, Value>();
  readonly #names = new Set<string>([inputName]);
  #input: Shape | null = null;

  constructor(topology: Topology) {
    this.#topology = topology;
  }

  result(): LayersSpec {
    const { layers, output } = this.#topology;
    for (const layer of layers) this.#take(layer);
    const last = output ?? layers.at(-1)?.name;
    if (this.#input === null || last === undefined || this.#layers.length === 0) {
      throw new LayersFileError('the model has no layers');
    }
    if (this.#values.get(last)?.name !== this.#layers.at(-1)!.name) {
      throw new LayersFileError(
        `the model's output ${last.slice(0, 64)} is not its last layer: leave out what comes after it`,
      );
    }
    return { kind: 'layers', input: [...this.#input], layers: this.#layers };
  }

  #take(layer: FileLayer): void {
    const title = `${layer.name.slice(0, 64)} (${layer.className.slice(0, 64)})`;
    if (layer.className === 'InputLayer' || this.#input === null) this.#open(layer, title);
    if (layer.className === 'InputLayer') return;
    const inputs = layer.inputs.map((name) => {
      const value = this.#values.get(name);
      if (value === undefined)
        throw new LayersFileError(
          `layer ${title}: it takes the values of ${name.slice(0, 64)}, which no layer before it gives`,
        );
      return value;
    });
    const isLast = layer.name === (this.#topology.output ?? this.#topology.layers.at(-1)!.name);
    const config = new LayerConfig(title, layer.config, isLast);
    if (isLast && layer.className === 'Softmax') {
      const axis = config.get('axis') ?? -1;
      if (inputs.length !== 1 || (axis !== -1 && axis !== inputs[0]!.shape.length))
        config.fail('axis must be the last one (-1)');
      this.#values.set(layer.name, inputs[0]!);
      return;
    }
    const spec = this.#specOf(layer, title, inputs, config);
    const shape = layerKindOf(spec).shape(
      spec,
      inputs.map((value) => value.shape),
    );
    if (typeof shape === 'string') throw new LayersFileError(`layer ${title} ${shape}`);
    if (config.endsInSigmoid && valuesOf(shape) === 1) {
      config.fail(
        'sigmoid of one number is not possible here: for two classes give 2 units and softmax, for a number no activation',
      );
    }
    // Only the loss knows what softmax makes of them, so the last layer gives logits.
    const isIdle = spec.kind === 'activation' && spec.activation === 'linear';
    if (isIdle) {
      this.#values.set(layer.name, inputs[0]!);
      return;
    }
    this.#layers.push(spec);
    this.#values.set(layer.name, { name: spec.name, shape });
  }

  #specOf(layer: FileLayer, title: string, inputs: readonly Value[], config: LayerConfig): LayerSpec {
    const reader = readers.get(layer.className);
    if (reader === undefined) {
      const known = [...readers.keys()].join(', ');
      const why = Object.hasOwn(advice, layer.className)
        ? advice[layer.className]!
        : `it is none of ${known}`;
      throw new LayersFileError(`layer ${title} is not possible here: ${why}`);
    }
    const fields = reader.read(
      config,
      inputs.map(({ shape }) => shape),
    );
    config.checkAllRead();
    const from = inputs.map(({ name }) => name);
    const before = this.#layers.at(-1)?.name ?? inputName;
    const parsed = layerSchema.safeParse({
      kind: reader.kind,
      name: this.#nameFor(layer.name),
      ...(from.length === 1 && from[0] === before ? {} : { from }),
      ...fields,
    });
    if (parsed.success) return parsed.data;
    throw new LayersFileError(
      `layer ${title}: ${z.prettifyError(parsed.error).replaceAll(/\s*\n\s*/g, ' ')}`,
    );
  }

  /** The first layer's shape, or that of the model's only input. */
  #open(layer: FileLayer, title: string): void {
    if (this.#input !== null) throw new LayersFileError(`layer ${title}: the model may have one input`);
    const given = layer.inputShape;
    if (given === null) {
      throw new LayersFileError(
        `layer ${title}: the first layer must say its input shape (batch_input_shape, or an InputLayer)`,
      );
    }
    if (!inputShape.safeParse(given).success) {
      throw new LayersFileError(
        `layer ${title}: its input shape must be [null, values] or [null, height, width, channels] with whole numbers up to 1048576`,
      );
    }
    const shape = given as number[];
    this.#input = shape;
    let value: Value = { name: inputName, shape };
    if (shape.length === 2) {
      // An image without channels is one of a single channel to everybody else.
      this.#input = [...shape, 1];
      const name = this.#nameFor('without_channels');
      this.#layers.push({ kind: 'reshape', name, shape });
      value = { name, shape };
    }
    // Of the layer itself where it says the shape of what it takes.
    this.#values.set(layer.className === 'InputLayer' ? layer.name : (layer.inputs[0] ?? layer.name), value);
  }

  /** As in the file, in the letters of manifests, and no name twice. */
  #nameFor(given: string): string {
    const plain = plainName(given);
    let name = plain;
    for (let count = 2; this.#names.has(name); count++) name = `${plain}_${count}`;
    this.#names.add(name);
    return name;
  }
}
