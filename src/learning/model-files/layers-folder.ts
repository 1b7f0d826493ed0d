/** Models as folders in the format of TensorFlow.js Layers, which browsers and converters read. */
import { join } from 'node:path';
import { writeFileAtomically } from '../../platform/node/atomic-file.ts';
import { makeDirectory } from '../../platform/node/make-directory.ts';
import { objectiveOf, type TaskSpec } from '../../tasks/data/registry.ts';
import type { Scaling } from '../../tasks/data/scaling.ts';
import type { KerasForm } from '../../tasks/models/layers/layer-kind.ts';
import { type LayerSpec, layerKindOf } from '../../tasks/models/layers/layer-kinds.ts';
import { inputName, type LayersSpec } from '../../tasks/models/layers/layers-spec.ts';
import { checkLength, inputsOf, modelLayout } from '../../tasks/models/model-layout.ts';
import type { ModelSpec } from '../../tasks/models/registry.ts';
import type { Objective } from '../../tasks/objective.ts';
import { littleEndianBytes } from '../initial.ts';
import { ModelFileError } from '../learning-error.ts';
import { describedLayers } from './described-layers.ts';
import { scalingOf, usageOf } from './usage.ts';

const topologyFile = 'model.json';
const weightsFile = 'group1-shard1of1.bin';

/** Of `weightsManifest`; the file holds their values one after the other. */
interface NamedWeights {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/**
 * Writes `model.json` and its weights into `folder`, created where missing; each file appears whole or not at
 * all, the one that names the other last. `tf.loadLayersModel` reads it: raw rows in, out what `starlings model predict`
 * says. What no layer can do stands in `userDefinedMetadata`: names, what to put where a value is missing, and `more`.
 * @throws ModelFileError for a model that TensorFlow.js Layers cannot say; RangeError where the vector is not the model's
 */
export async function writeLayersFolder(
  folder: string,
  model: ModelSpec,
  vector: Float32Array,
  task: TaskSpec,
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  checkLength(model, vector);
  const described = describedLayers(model, 'TensorFlow.js Layers');
  const scaling = scalingOf(task);
  const first = scalingLayer(scaling, inputsOf(model));
  const nodes = described.layers.map(nodeOf);
  const weights: readonly NamedWeights[] = [...first.weights, ...weightsOf(model, vector, nodes)];
  const topology = JSON.stringify({
    format: 'layers-model',
    generatedBy: 'starlings',
    convertedBy: null,
    userDefinedMetadata: { starlings: { ...usageOf(model, task), ...more } },
    modelTopology: topologyOf(described, first.node, nodes, answerNode(objectiveOf(task))),
    weightsManifest: [
      {
        paths: [weightsFile],
        weights: weights.map(({ name, shape }) => ({ name, shape, dtype: 'float32' })),
      },
    ],
  });
  makeDirectory(folder);
  await writeFileAtomically(
    join(folder, weightsFile),
    weights.map(({ values }) => littleEndianBytes(values)),
  );
  await writeFileAtomically(join(folder, topologyFile), [topology]);
}

/** A layer as Keras writes it. */
interface KerasNode extends KerasForm {
  readonly name: string;
  /** What it takes; null: what is before it gives. */
  readonly from: readonly string[] | null;
}

/** @throws ModelFileError for a layer that TensorFlow.js Layers does not have */
function nodeOf(layer: LayerSpec): KerasNode {
  const form = layerKindOf(layer).keras(layer);
  if (form !== null) return { ...form, name: layer.name, from: layer.from ?? null };
  throw new ModelFileError(
    `TensorFlow.js Layers has no ${layer.kind} (layer ${layer.name}): export the model as safetensors or onnx`,
  );
}

function weightsOf(model: ModelSpec, vector: Float32Array, nodes: readonly KerasNode[]): NamedWeights[] {
  const names = new Map(nodes.map((node) => [node.name, node.names ?? {}]));
  return modelLayout(model).map(({ name, shape, at, length }) => {
    const end = name.lastIndexOf('/');
    const [layer, weight] = [name.slice(0, end), name.slice(end + 1)];
    const theirs = `${layer}/${names.get(layer)?.[weight] ?? weight}`;
    return { name: theirs, shape, values: vector.subarray(at, at + length) };
  });
}

/** From outputs to what the model says. */
function answerNode(objective: Objective): KerasNode {
  switch (objective.kind) {
    case 'classification':
      return { className: 'Softmax', name: 'probabilities', config: { axis: -1 }, from: null };
    case 'regression': {
      const { mean, scale } = objective.target;
      return { className: 'Rescaling', name: 'value', config: { scale, offset: mean }, from: null };
    }
    case 'multi-label': {
      const config = { activation: 'sigmoid' };
      return { className: 'Activation', name: 'probabilities', config, from: null };
    }
    default:
      return objective satisfies never;
  }
}

/** In the formats that `tf.loadLayersModel` has read since its first version. */
function topologyOf(
  model: LayersSpec,
  first: KerasNode,
  middle: readonly KerasNode[],
  last: KerasNode,
): object {
  const nodes = [first, ...middle, last];
  const written = ({ className, name, config }: KerasNode, more: object = {}) => ({
    class_name: className,
    config: { ...config, name, trainable: true, ...more },
  });
  const shape = { batch_input_shape: [null, ...model.input], dtype: 'float32' };
  const isRow = middle.every(({ from }) => from === null);
  const config = isRow
    ? { name: 'model', layers: nodes.map((node, index) => written(node, index === 0 ? shape : {})) }
    : {
        name: 'model',
        layers: [
          {
            ...written(
              { className: 'InputLayer', name: inputName, config: {}, from: [] },
              { ...shape, sparse: false },
            ),
            name: inputName,
            inbound_nodes: [],
          },
          ...nodes.map((node, index) => {
            // What the model's input is to its layers are the scaled values.
            const from =
              index === 0
                ? [inputName]
                : (node.from ?? [nodes[index - 1]!.name]).map((name) =>
                    name === inputName ? first.name : name,
                  );
            return {
              ...written(node),
              name: node.name,
              inbound_nodes: [from.map((name) => [name, 0, 0, {}])],
            };
          }),
        ],
        input_layers: [[inputName, 0, 0]],
        output_layers: [[last.name, 0, 0]],
      };
  return {
    class_name: isRow ? 'Sequential' : 'Model',
    config,
    keras_version: 'tfjs-layers 4.22.0',
    backend: 'tensor_flow.js',
  };
}

/** (value - mean) / scale as a layer; folded into the weights, large means would eat the digits of small ones. */
function scalingLayer(
  { mean, scale }: Scaling,
  inputs: number,
): { readonly node: KerasNode; readonly weights: readonly NamedWeights[] } {
  const name = 'scaling';
  if (typeof mean === 'number' && typeof scale === 'number') {
    const config = { scale: 1 / scale, offset: -mean / scale };
    return { node: { className: 'Rescaling', name, config, from: null }, weights: [] };
  }
  const each = (of: number | readonly number[], change = (value: number) => value) =>
    Float32Array.from({ length: inputs }, (_, index) => change(typeof of === 'number' ? of : of[index]!));
  // What batch normalisation does after training: (x - mean) / sqrt(variance + epsilon) * gamma + beta.
  const weights = Object.entries({
    gamma: each(1),
    beta: each(0),
    moving_mean: each(mean),
    moving_variance: each(scale, (value) => value ** 2),
  }).map(([weight, values]) => ({ name: `${name}/${weight}`, shape: [inputs], values }));
  const config = { axis: -1, epsilon: 0 };
  return { node: { className: 'BatchNormalization', name, config, from: null }, weights };
}
