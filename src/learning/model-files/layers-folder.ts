/** Models as folders in the format of TensorFlow.js Layers, which browsers and converters read. */
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { writeFileAtomically } from '../../platform/node/atomic-file.ts';
import { makeDirectory } from '../../platform/node/make-directory.ts';
import { checkLength, modelLayout } from '../../tasks/models/model-layout.ts';
import { type ModelSpec, modelKindOf } from '../../tasks/models/registry.ts';
import { ensureBackend } from '../../tensor/tfjs-backend.ts';
import { ModelFileError } from '../learning-error.ts';

const topologyFile = 'model.json';
const weightsFile = 'group1-shard1of1.bin';

/**
 * Writes `model.json` and its weights into `folder`, created where missing; each file appears whole or not at
 * all, the one that names the other last. `tf.loadLayersModel` reads it; outputs are logits.
 * @throws ModelFileError for a model that TensorFlow.js Layers cannot say; RangeError where the vector is not the model's
 */
export async function writeLayersFolder(
  folder: string,
  model: ModelSpec,
  vector: Float32Array,
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
  try {
    tf.tidy(() =>
      layers.setWeights(
        modelLayout(model).map(({ at, length, shape }) =>
          tf.tensor(vector.slice(at, at + length), [...shape]),
        ),
      ),
    );
    await layers.save(tf.io.withSaveHandler((artifacts) => writeArtifacts(folder, artifacts)));
  } finally {
    layers.dispose();
  }
}

async function writeArtifacts(folder: string, artifacts: tf.io.ModelArtifacts): Promise<tf.io.SaveResult> {
  const { modelTopology, weightSpecs, weightData, format, generatedBy, convertedBy } = artifacts;
  const weights = tf.io.CompositeArrayBuffer.join(weightData);
  const weightsManifest = [{ paths: [weightsFile], weights: weightSpecs }];
  const topology = JSON.stringify({ format, generatedBy, convertedBy, modelTopology, weightsManifest });
  await writeFileAtomically(join(folder, weightsFile), [new Uint8Array(weights)]);
  await writeFileAtomically(join(folder, topologyFile), [topology]);
  return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
}
