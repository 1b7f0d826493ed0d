/** Models as folders in the format of TensorFlow.js Layers, which browsers and converters read. */
import { join } from 'node:path';
import { writeFileAtomically } from '../../platform/node/atomic-file.ts';
import { makeDirectory } from '../../platform/node/make-directory.ts';
import { type TaskSpec, taskKindOf } from '../../tasks/data/registry.ts';
import type { Names, Scaling } from '../../tasks/data/scaling.ts';
import { checkLength, inputsOf, modelLayout, outputsOf } from '../../tasks/models/model-layout.ts';
import type { KerasLayer } from '../../tasks/models/parts/keras-layers.ts';
import { type ModelSpec, modelKindOf } from '../../tasks/models/registry.ts';
import { littleEndianBytes } from '../initial.ts';
import { ModelFileError } from '../learning-error.ts';

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
 * all, the one that names the other last. `tf.loadLayersModel` reads it: raw rows in, probabilities out, as `starlings model predict`
 * has them. What no layer can do stands in `userDefinedMetadata`: names, and what to put where a value is missing.
 * @throws ModelFileError for a model that TensorFlow.js Layers cannot say; RangeError where the vector is not the model's
 */
export async function writeLayersFolder(
  folder: string,
  model: ModelSpec,
  vector: Float32Array,
  task: TaskSpec,
): Promise<void> {
  checkLength(model, vector);
  const layers = modelKindOf(model).kerasLayers?.(model);
  if (layers === undefined) {
    throw new ModelFileError(
      `TensorFlow.js Layers has no counterpart of every part of ${model.kind}: export it as safetensors`,
    );
  }
  const inputs = inputsOf(model);
  const scaling = scalingOf(task);
  const first = scalingLayer(scaling, inputs);
  const last: KerasLayer = { className: 'Softmax', name: 'probabilities', config: { axis: -1 } };
  const weights: readonly NamedWeights[] = [
    ...first.weights,
    ...modelLayout(model).map(({ name, shape, at, length }) => ({
      name,
      shape,
      values: vector.subarray(at, at + length),
    })),
  ];
  const topology = JSON.stringify({
    format: 'layers-model',
    generatedBy: 'starlings',
    convertedBy: null,
    userDefinedMetadata: { starlings: usageOf(task, scaling, inputs, outputsOf(model)) },
    modelTopology: sequential([first.layer, ...layers, last], inputs),
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

/** The format that `tf.loadLayersModel` has read since its first version. */
function sequential(layers: readonly KerasLayer[], inputs: number): object {
  return {
    class_name: 'Sequential',
    config: {
      name: 'model',
      layers: layers.map(({ className, name, config }, index) => ({
        class_name: className,
        config: {
          ...config,
          name,
          trainable: true,
          ...(index === 0 ? { batch_input_shape: [null, inputs], dtype: 'float32' } : {}),
        },
      })),
    },
    keras_version: 'tfjs-layers 4.22.0',
    backend: 'tensor_flow.js',
  };
}

function scalingOf(task: TaskSpec): Scaling {
  const { scaling } = taskKindOf(task);
  if (scaling === undefined)
    throw new ModelFileError(`examples of ${task.kind} are no rows that layers take`);
  return scaling(task);
}

/** (value - mean) / scale as a layer; folded into the weights, large means would eat the digits of small ones. */
function scalingLayer(
  { mean, scale }: Scaling,
  inputs: number,
): { readonly layer: KerasLayer; readonly weights: readonly NamedWeights[] } {
  const name = 'scaling';
  if (typeof mean === 'number' && typeof scale === 'number') {
    const config = { scale: 1 / scale, offset: -mean / scale };
    return { layer: { className: 'Rescaling', name, config }, weights: [] };
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
  return { layer: { className: 'BatchNormalization', name, config: { axis: -1, epsilon: 0 } }, weights };
}

function usageOf(
  task: TaskSpec,
  { mean, scale }: Scaling,
  inputs: number,
  outputs: number,
): Record<string, unknown> {
  const named: Names = taskKindOf(task).names?.(task) ?? { features: null, classes: null };
  const { features, classes } = named;
  return {
    task,
    inputs:
      named.inputs ?? 'raw values, one row for each example; what is missing is replaced by its mean before',
    outputs: 'probabilities of the classes',
    features: features ?? Array.from({ length: inputs }, (_, index) => `feature ${index}`),
    classes: classes ?? Array.from({ length: outputs }, (_, index) => String(index)),
    mean,
    scale,
  };
}
