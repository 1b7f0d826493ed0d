/** Models as folders in the format of TensorFlow.js Layers, which browsers and converters read. */
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { writeFileAtomically } from '../../platform/node/atomic-file.ts';
import { makeDirectory } from '../../platform/node/make-directory.ts';
import { type TaskSpec, taskKindOf } from '../../tasks/data/registry.ts';
import type { Scaling } from '../../tasks/data/scaling.ts';
import { checkLength, inputsOf, modelLayout, outputsOf } from '../../tasks/models/model-layout.ts';
import { type ModelSpec, modelKindOf } from '../../tasks/models/registry.ts';
import { ensureBackend } from '../../tensor/tfjs-backend.ts';
import { ModelFileError } from '../learning-error.ts';

const topologyFile = 'model.json';
const weightsFile = 'group1-shard1of1.bin';

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
  await ensureBackend();
  const layers = await modelKindOf(model).buildLayers?.(model);
  if (layers === undefined) {
    throw new ModelFileError(
      `TensorFlow.js Layers has no counterpart of every part of ${model.kind}: export it as safetensors`,
    );
  }
  makeDirectory(folder);
  const whole = await withScaling(layers, inputsOf(model), task);
  try {
    tf.tidy(() =>
      layers.setWeights(
        modelLayout(model).map(({ at, length, shape }) =>
          tf.tensor(vector.slice(at, at + length), [...shape]),
        ),
      ),
    );
    whole.setUserDefinedMetadata(usageOf(task, inputsOf(model), outputsOf(model)));
    await whole.save(tf.io.withSaveHandler((artifacts) => writeArtifacts(folder, artifacts)));
  } finally {
    whole.dispose();
    layers.dispose();
  }
}

/** Raw rows in front of the layers, probabilities behind them. */
async function withScaling(layers: LayersModel, inputs: number, task: TaskSpec): Promise<LayersModel> {
  const { layers: make, sequential } = await import('@tensorflow/tfjs-layers');
  const whole = sequential();
  const { mean, scale } = scalingOf(task);
  if (typeof mean === 'number' && typeof scale === 'number') {
    whole.add(make.rescaling({ scale: 1 / scale, offset: -mean / scale, inputShape: [inputs] }));
  } else {
    const each = (of: number | readonly number[]) =>
      tf.tensor1d(typeof of === 'number' ? new Array(inputs).fill(of) : [...of]);
    // Gamma and beta, then the mean and variance that it has seen: (x - mean) / sqrt(variance).
    const normalise = make.batchNormalization({ name: 'normalise', epsilon: 0, inputShape: [inputs] });
    whole.add(normalise);
    tf.tidy(() =>
      normalise.setWeights([tf.ones([inputs]), tf.zeros([inputs]), each(mean), tf.square(each(scale))]),
    );
  }
  for (const layer of layers.layers) whole.add(layer);
  whole.add(make.softmax());
  return whole;
}

function scalingOf(task: TaskSpec): Scaling {
  const { scaling } = taskKindOf(task);
  if (scaling === undefined)
    throw new ModelFileError(`examples of ${task.kind} are no rows that layers take`);
  return scaling(task);
}

function usageOf(task: TaskSpec, inputs: number, outputs: number): Record<string, object> {
  const { features, classes } = taskKindOf(task).names?.(task) ?? { features: null, classes: null };
  const { mean, scale } = scalingOf(task);
  return {
    starlings: {
      task,
      inputs: 'raw values, one row for each example; what is missing is replaced by its mean before',
      outputs: 'probabilities of the classes',
      features: features ?? Array.from({ length: inputs }, (_, index) => `feature ${index}`),
      classes: classes ?? Array.from({ length: outputs }, (_, index) => String(index)),
      mean,
      scale,
    },
  };
}

async function writeArtifacts(folder: string, artifacts: tf.io.ModelArtifacts): Promise<tf.io.SaveResult> {
  const { modelTopology, weightSpecs, weightData, format, generatedBy, convertedBy, userDefinedMetadata } =
    artifacts;
  const weights = tf.io.CompositeArrayBuffer.join(weightData);
  const weightsManifest = [{ paths: [weightsFile], weights: weightSpecs }];
  const topology = JSON.stringify({
    ...{ format, generatedBy, convertedBy, userDefinedMetadata },
    ...{ modelTopology, weightsManifest },
  });
  await writeFileAtomically(join(folder, weightsFile), [new Uint8Array(weights)]);
  await writeFileAtomically(join(folder, topologyFile), [topology]);
  return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
}
