/** Models that Keras saved, against what Keras said of them: test/python/keras_models.py writes both. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readRunVectors } from '../../src/learning/model-files/start-vector.ts';
import { Network } from '../../src/learning/tfjs/network.ts';
import { checkTrainable } from '../../src/learning/tfjs/trainable.ts';
import { readModelFile } from '../../src/tasks/models/layers/model-file.ts';
import { readLayers } from '../../src/tasks/models/layers/read-layers.ts';
import { formOf, inputsOf } from '../../src/tasks/models/model-layout.ts';
import { type ModelSpec, modelKindOf, modelSchema } from '../../src/tasks/models/registry.ts';
import { startBackend } from '../../src/tensor/tfjs-backend.ts';

export const kerasModels = ['image', 'branches', 'graph', 'series', 'text'] as const;

interface Answers {
  readonly model: unknown;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

export async function modelOf(file: string): Promise<ModelSpec> {
  return modelSchema.parse(await readModelFile(file));
}

/** `name.keras` and `name.json` of `folder`: the same model, weights in their places, answers as Keras gives them. */
export async function testKerasModel(folder: string, name: string): Promise<void> {
  await startBackend('wasm');
  const archive = join(folder, `${name}.keras`);
  const answers = JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8')) as Answers;
  const model = await modelOf(archive);
  assert.deepEqual(modelSchema.parse(readLayers(answers.model)), model);
  assert.equal(modelKindOf(model).impossible?.(model) ?? null, null);
  await checkTrainable(model);
  await testAnswers(model, archive, answers);
}

/** A folder that the converter of TensorFlow.js wrote, with answers of Keras beside. */
export async function testConvertedModel(folder: string): Promise<void> {
  await startBackend('wasm');
  const file = join(folder, 'model.json');
  const answers = JSON.parse(await readFile(join(folder, 'answers.json'), 'utf8')) as Answers;
  await testAnswers(await modelOf(file), file, answers);
}

async function testAnswers(
  model: ModelSpec,
  weights: string,
  answers: Omit<Answers, 'model'>,
): Promise<void> {
  const { start } = await readRunVectors({ start: weights }, model);
  const network = await Network.load(model, start!);
  const isText = formOf(model) === 'bytes';
  const inputs = isText ? Int32Array.from(answers.inputs) : Float32Array.from(answers.inputs);
  const probabilities = network.probabilities(inputs, inputs.length / inputsOf(model));
  network.dispose();
  assert.equal(probabilities.length, answers.outputs.length);
  probabilities.forEach((value, at) => {
    assert.ok(Math.abs(value - answers.outputs[at]!) < 1e-5, `${value} at ${at}, not ${answers.outputs[at]}`);
  });
  assert.ok(new Set(answers.outputs.map((value) => value.toFixed(4))).size > 10, 'all alike shows little');
}
