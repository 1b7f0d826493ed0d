/** The graph in a `model.json`: Sequential or functional, in the words of Keras 2, Keras 3 or TensorFlow.js. */
import * as z from 'zod';
import { LayersFileError } from './layer-config.ts';

export interface FileLayer {
  readonly className: string;
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Names of the layers whose values it takes. */
  readonly inputs: readonly string[];
  /** Of one example, where it says what it takes; unchecked. */
  readonly inputShape: readonly (number | null)[] | null;
}

export interface Topology {
  /** In the order of the file, sorted so that what a layer takes is before it. */
  readonly layers: readonly FileLayer[];
  /** Name of the layer that gives the model's values; null: the last. */
  readonly output: string | null;
}

/** Before any is read, and before they are sorted; a model that is possible has fewer. */
const fileLayersMax = 1024;

/** What the only input of a Sequential model is called where no InputLayer stands for it. */
const beforeAll = ' ';

const layerSchema = z.object({
  class_name: z.string(),
  name: z.string().optional(),
  config: z.record(z.string(), z.unknown()),
  inbound_nodes: z.array(z.unknown()).optional(),
});
type RawLayer = z.infer<typeof layerSchema>;

const modelSchema = z.object({
  class_name: z.string(),
  config: z.union([
    z.array(layerSchema),
    z.object({ layers: z.array(layerSchema), output_layers: z.unknown().optional() }),
  ]),
});

/** @throws LayersFileError */
export function topologyOf(json: unknown): Topology {
  const parsed = modelSchema.safeParse(modelIn(json));
  if (!parsed.success) {
    throw new LayersFileError(
      'this is no model of layers: expected model.json as model.save of TensorFlow.js or model.to_json of Keras writes it',
    );
  }
  const { class_name: className, config } = parsed.data;
  const raw = Array.isArray(config) ? config : config.layers;
  if (raw.length > fileLayersMax) {
    throw new LayersFileError(`the model has ${raw.length} layers, more than ${fileLayersMax}`);
  }
  switch (className) {
    case 'Sequential':
      return { layers: inSequence(raw), output: null };
    case 'Functional':
    case 'Model':
      return { layers: sorted(raw), output: Array.isArray(config) ? null : onlyOutput(config.output_layers) };
    default:
      throw new LayersFileError(
        `a model of class ${className.slice(0, 40)} is its own code: build it as Sequential or from layers that are called (functional)`,
      );
  }
}

/** The model stands by itself, or where TensorFlow.js puts it. */
function modelIn(json: unknown): unknown {
  const { modelTopology } = (json ?? {}) as { modelTopology?: unknown };
  const outer = (modelTopology ?? json ?? {}) as { model_config?: unknown };
  return outer.model_config ?? outer;
}

function layerOf(raw: RawLayer, index: number, inputs: readonly string[] | null): FileLayer {
  const name = raw.name ?? raw.config['name'];
  const shape = raw.config['batch_input_shape'] ?? raw.config['batch_shape'];
  return {
    className: raw.class_name,
    name: typeof name === 'string' && name !== '' ? name : `layer_${index}`,
    config: raw.config,
    inputs: inputs ?? [],
    inputShape: Array.isArray(shape) ? (shape.slice(1) as (number | null)[]) : null,
  };
}

function inSequence(raw: readonly RawLayer[]): FileLayer[] {
  const layers: FileLayer[] = [];
  for (const [index, each] of raw.entries()) {
    layers.push(layerOf(each, index, [layers.at(-1)?.name ?? beforeAll]));
  }
  return layers;
}

/** Each after those whose values it takes. */
function sorted(raw: readonly RawLayer[]): FileLayer[] {
  const open = new Map<string, FileLayer>();
  for (const [index, each] of raw.entries()) {
    const layer = layerOf(each, index, null);
    if (open.has(layer.name))
      throw new LayersFileError(`layer ${layer.name.slice(0, 64)}: there are two of this name`);
    open.set(layer.name, { ...layer, inputs: namesIn(each.inbound_nodes ?? [], layer.name) });
  }
  const layers: FileLayer[] = [];
  const done = new Set<string>();
  for (let before = -1; before < layers.length; ) {
    before = layers.length;
    for (const [name, layer] of open) {
      if (!layer.inputs.every((input) => done.has(input))) continue;
      layers.push(layer);
      done.add(name);
      open.delete(name);
    }
  }
  const [left] = open.values();
  if (left !== undefined) {
    throw new LayersFileError(
      `layer ${left.name.slice(0, 64)} takes values of layers that are not there, or of itself by a detour`,
    );
  }
  return layers;
}

const kerasTensor = z.object({
  class_name: z.literal('__keras_tensor__'),
  config: z.object({ keras_history: z.tuple([z.string(), z.literal(0), z.literal(0)]) }),
});
/** What a layer is called with besides would change what it computes; `training` does not, as no layer of the list listens to it. */
const calledWith = z.object({ training: z.boolean().nullable().optional() }).catchall(z.null());
/** `[name, node, tensor, arguments]` */
const oldTensor = z.union([
  z.tuple([z.string(), z.literal(0), z.literal(0)]),
  z.tuple([z.string(), z.literal(0), z.literal(0), calledWith]),
]);
const newNode = z.object({
  args: z.array(z.union([kerasTensor, z.array(kerasTensor)])),
  kwargs: calledWith.optional(),
});

function namesIn(nodes: readonly unknown[], name: string): string[] {
  if (nodes.length === 0) return [];
  const fail = (): never => {
    throw new LayersFileError(
      `layer ${name.slice(0, 64)}: what it takes cannot be read; a layer may be called once, with the values of layers and nothing else`,
    );
  };
  if (nodes.length > 1) return fail();
  const asNew = newNode.safeParse(nodes[0]);
  if (asNew.success) return asNew.data.args.flat().map(({ config }) => config.keras_history[0]);
  const asOld = z.array(oldTensor).safeParse(nodes[0]);
  return asOld.success ? asOld.data.map(([from]) => from) : fail();
}

/** `[[name, 0, 0]]`, of Keras 3 also `[name, 0, 0]` and `{output: [name, 0, 0]}`. */
function onlyOutput(given: unknown): string | null {
  const named = z.record(z.string(), z.unknown()).safeParse(given);
  const all = named.success ? Object.values(named.data) : given;
  const tensor = oldTensor.safeParse(all);
  if (tensor.success) return tensor.data[0];
  const list = z.tuple([oldTensor]).safeParse(all);
  if (list.success) return list.data[0][0];
  if (given === undefined) return null;
  throw new LayersFileError('the model must have one output');
}
