/** Models as folders in the format of TensorFlow.js Layers, which browsers and converters read. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import * as z from 'zod';
import { writeFileAtomically } from '../../platform/node/atomic-file.ts';
import { makeDirectory } from '../../platform/node/make-directory.ts';
import type { ModelSpec } from '../../run/run-spec.ts';
import { checkLength, parameterCount } from '../../tasks/models/model-layout.ts';
import { ensureBackend } from '../../tensor/tfjs-backend.ts';
import { ModelFileError } from '../../tensor/training-error.ts';
import { vectorOfLittleEndian } from '../initial.ts';
import { type DenseModelSpec, denseLayers, isDenseModel, modelOfWidths } from './layers.ts';
import { buildSequential, setVector } from './layers-model.ts';

export interface TfjsModelFile {
  readonly model: ModelSpec;
  readonly vector: Float32Array;
}

const TOPOLOGY_FILE = 'model.json';
const WEIGHTS_FILE = 'group1-shard1of1.bin';
/** Larger files are refused before they are read. */
export const topologyBytesMax = 1 << 20;
export const weightsBytesMax = 2 ** 31;

const layerSchema = z.discriminatedUnion('class_name', [
  z.object({ class_name: z.literal('InputLayer') }),
  z.object({
    class_name: z.literal('Dense'),
    config: z.object({
      units: z.int().min(1),
      activation: z.enum(['relu', 'linear']),
      use_bias: z.literal(true),
    }),
  }),
]);
const topologySchema = z.object({
  format: z.literal('layers-model'),
  modelTopology: z.object({
    class_name: z.literal('Sequential'),
    config: z.object({ layers: z.array(layerSchema).min(1).max(32) }),
  }),
  weightsManifest: z
    .array(
      z.object({
        paths: z.tuple([z.literal(WEIGHTS_FILE)]),
        weights: z.array(
          z.object({
            name: z.string(),
            shape: z.array(z.int().min(1)).min(1).max(2),
            dtype: z.literal('float32'),
          }),
        ),
      }),
    )
    .length(1),
});
type Topology = z.infer<typeof topologySchema>;

/**
 * Writes `model.json` and its weights into `folder`, created where missing; each file appears whole or not at
 * all, the one that names the other last. `tf.loadLayersModel` reads it; outputs are logits.
 * @throws ModelFileError for a model that is no stack of dense layers
 */
export async function writeTfjsModel(folder: string, model: ModelSpec, vector: Float32Array): Promise<void> {
  checkLength(model, vector);
  if (!isDenseModel(model)) {
    throw new ModelFileError(
      `TensorFlow.js Layers has no counterpart of every part of ${model.kind}: export it as safetensors`,
    );
  }
  await ensureBackend();
  makeDirectory(folder);
  const sequential = buildSequential(model);
  try {
    setVector(sequential, model, vector);
    await sequential.save(tf.io.withSaveHandler((artifacts) => writeArtifacts(folder, artifacts)));
  } finally {
    sequential.dispose();
  }
}

/**
 * Reads a folder as `writeTfjsModel` makes them, without TensorFlow.js: a strange file cannot make it allocate.
 * @throws ModelFileError
 */
export async function readTfjsModel(folder: string): Promise<TfjsModelFile> {
  const file = join(folder, TOPOLOGY_FILE);
  const model = modelOfTopology(await readTopology(file), file);
  const weightsFile = join(folder, WEIGHTS_FILE);
  const bytes = await readBounded(weightsFile, weightsBytesMax);
  if (bytes.length !== 4 * parameterCount(model)) {
    throw new ModelFileError(
      `${weightsFile}: expected ${4 * parameterCount(model)} bytes, found ${bytes.length}`,
    );
  }
  return { model, vector: vectorOfLittleEndian(bytes) };
}

async function writeArtifacts(folder: string, artifacts: tf.io.ModelArtifacts): Promise<tf.io.SaveResult> {
  const { modelTopology, weightSpecs, weightData, format, generatedBy, convertedBy } = artifacts;
  const weights = tf.io.CompositeArrayBuffer.join(weightData);
  const weightsManifest = [{ paths: [WEIGHTS_FILE], weights: weightSpecs }];
  const topology = JSON.stringify({ format, generatedBy, convertedBy, modelTopology, weightsManifest });
  await writeFileAtomically(join(folder, WEIGHTS_FILE), [new Uint8Array(weights)]);
  await writeFileAtomically(join(folder, TOPOLOGY_FILE), [topology]);
  return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
}

async function readTopology(file: string): Promise<Topology> {
  const text = (await readBounded(file, topologyBytesMax)).toString('utf8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new ModelFileError(`${file}: this is no JSON`);
  }
  const parsed = topologySchema.safeParse(json);
  if (!parsed.success) {
    throw new ModelFileError(`${file}: this is no stack of dense layers: ${z.prettifyError(parsed.error)}`);
  }
  return parsed.data;
}

/** Layers and weights must tell the same story: kernel and bias of each dense layer, in order. */
function modelOfTopology({ modelTopology, weightsManifest }: Topology, file: string): DenseModelSpec {
  const dense = modelTopology.config.layers.filter((layer) => layer.class_name === 'Dense');
  const { weights } = weightsManifest[0]!;
  const shapes = weights.map(({ shape }) => shape.join(' x '));
  const [inputs, firstUnits] = weights[0]?.shape ?? [];
  if (inputs === undefined || firstUnits === undefined) {
    throw new ModelFileError(`${file}: expected the kernel of a dense layer first among the weights`);
  }
  const model = modelOfWidths([inputs, ...dense.map(({ config }) => config.units)]);
  const layers = denseLayers(model);
  const expected = layers.flatMap((layer) => [`${layer.inputs} x ${layer.units}`, `${layer.units}`]);
  if (shapes.join() !== expected.join()) {
    throw new ModelFileError(
      `${file}: expected weights of shapes ${expected.join(', ')}, found ${shapes.join(', ')}`,
    );
  }
  layers.forEach((layer, index) => {
    const activation = layer.relu ? 'relu' : 'linear';
    if (dense[index]!.config.activation !== activation) {
      throw new ModelFileError(`${file}: expected ${layer.name} to have ${activation} activation`);
    }
  });
  return model;
}

async function readBounded(file: string, bytesMax: number): Promise<Buffer> {
  const { size } = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw new ModelFileError(
      `${file}: expected a file of a TensorFlow.js model, but it cannot be opened (${error.code})`,
    );
  });
  if (size > bytesMax) {
    throw new ModelFileError(`${file}: expected at most ${bytesMax} bytes, found ${size}`);
  }
  return readFile(file);
}
