import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { initialVector } from '../../src/learning/initial.ts';
import { ModelFileError } from '../../src/learning/learning-error.ts';
import { writeSafetensors } from '../../src/learning/model-files/safetensors.ts';
import { readRunVectors } from '../../src/learning/model-files/start-vector.ts';
import { readLayers } from '../../src/tasks/models/layers/read-layers.ts';
import type { ModelSpec } from '../../src/tasks/models/registry.ts';
import { startBackend } from '../../src/tensor/tfjs-backend.ts';
import { fillWeights, models } from '../tasks/layers-oracle.ts';

const readStart = async (file: string, model: ModelSpec) =>
  (await readRunVectors({ start: file }, model)).start;

const folder = await mkdtemp(join(tmpdir(), 'starlings-start-'));
after(() => rm(folder, { recursive: true, force: true }));
before(() => startBackend('wasm'));
const at = (name: string) => join(folder, name);

/** As `model.save('file://...')` writes it, in shards of 1000 bytes. */
async function save(title: string): Promise<{ readonly model: ModelSpec; readonly vector: Float32Array }> {
  const theirs = models[title]!();
  const vector = fillWeights(theirs, title);
  let json: Record<string, unknown> = {};
  let data = new Uint8Array();
  await theirs.save(
    tf.io.withSaveHandler(async ({ weightData, weightSpecs, ...rest }) => {
      data = new Uint8Array(weightData as ArrayBuffer);
      json = { ...rest, weightsManifest: [{ paths: [] as string[], weights: weightSpecs }] };
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    }),
  );
  theirs.dispose();
  const shards = Math.ceil(data.length / 1000);
  const paths = Array.from({ length: shards }, (_, index) => `shard${index}.bin`);
  (json['weightsManifest'] as [{ paths: string[] }])[0].paths = paths;
  for (const [index, path] of paths.entries())
    await writeFile(at(path), data.subarray(1000 * index, 1000 * (index + 1)));
  await writeFile(at('model.json'), JSON.stringify(json));
  return { model: readLayers(json), vector };
}

const mlp: ModelSpec = { kind: 'mlp', inputs: 6, hidden: [5], outputs: 3 };

describe('weights that a run begins at', () => {
  for (const title of Object.keys(models)) {
    test(`are those of a model.json with its shards: ${title}`, async () => {
      const { model, vector } = await save(title);
      assert.deepEqual(await readStart(at('model.json'), model), vector);
    });
  }

  test('what is no such file, or of another shape, is named with the field that names it', async () => {
    const other: ModelSpec = { ...mlp, hidden: [4] };
    await writeSafetensors(at('other.safetensors'), other, initialVector(other, 1));
    await writeFile(at('run.yaml'), 'name: a-run\nmodel: {}\n');
    for (const [file, message] of [
      [at('run.yaml'), /run\.yaml: this is no safetensors file/],
      [folder, /starlings-start-[^/]*: expected a model file, and this is none; check the path/],
      [at('nowhere'), /nowhere: .* \(ENOENT\); check the path \(`startFrom` of the run/],
      [
        at('other.safetensors'),
        /dense_0\/kernel of shape 6 x 5, found 6 x 4 \(`startFrom` of the run; it must fit its `model`\)/,
      ],
    ] as const)
      await assert.rejects(readStart(file, mlp), { name: 'ModelFileError', message });
  });

  test('are those of safetensors, also where nothing in the file describes the model', async () => {
    const vector = initialVector(mlp, 4);
    await writeSafetensors(at('mlp.safetensors'), mlp, vector);
    assert.deepEqual(await readStart(at('mlp.safetensors'), mlp), vector);
    const lenet: ModelSpec = { kind: 'lenet', height: 16, width: 16, channels: 1, outputs: 2 };
    const ofLenet = initialVector(lenet, 4);
    await writeSafetensors(at('lenet.safetensors'), lenet, ofLenet);
    const bytes = await readFile(at('lenet.safetensors'));
    const described = bytes.indexOf('"__metadata__"');
    // Spaces are allowed where the metadata was.
    bytes.fill(' ', described, bytes.indexOf('},', described) + 2);
    await writeFile(at('bare.safetensors'), bytes);
    assert.deepEqual(await readStart(at('bare.safetensors'), lenet), ofLenet);
  });

  test('of another model, cut short, quantised or not finite are refused', async () => {
    const refused = (file: string, model: ModelSpec, expected: RegExp) =>
      assert.rejects(
        readStart(at(file), model),
        (error) => error instanceof ModelFileError && expected.test(error.message),
      );
    await writeSafetensors(at('mlp.safetensors'), mlp, initialVector(mlp, 4).fill(Number.NaN, 5, 6));
    await refused('mlp.safetensors', mlp, /a value of dense_0\/kernel is not finite/);
    await refused(
      'mlp.safetensors',
      { ...mlp, hidden: [4] },
      /expected tensor dense_0\/kernel of shape 6 x 4/,
    );
    const { model } = await save('images without channels');
    await refused('model.json', mlp, /the model of the run has no weights conv2d/);
    const json = JSON.parse(await readFile(at('model.json'), 'utf8'));
    const changed = async (change: (weights: Record<string, unknown>[]) => void) => {
      const copy = structuredClone(json);
      change(copy.weightsManifest[0].weights);
      await writeFile(at('changed.json'), JSON.stringify(copy));
    };
    await changed(([first]) => Object.assign(first!, { quantization: { dtype: 'uint8' } }));
    await refused('changed.json', model, /not plain float32/);
    await changed(([first]) => Object.assign(first!, { shape: [3, 3, 3, 1] }));
    await refused('changed.json', model, /has the shape 3 x 3 x 3 x 1, the model needs 3 x 3 x 1 x 3/);
    await changed((weights) => weights.pop());
    await refused('changed.json', model, /no weights for dense_Dense\d+\/bias/);
    await writeFile(at('shard0.bin'), new Uint8Array(4));
    await refused('model.json', model, /cut short/);
    await rm(at('shard0.bin'));
    await refused('model.json', model, /shard0\.bin: expected weights.*ENOENT/);
    await mkdir(at('shard0.bin'));
    await refused('model.json', model, /shard0\.bin: expected weights, and this is no file/);
    await rm(at('shard0.bin'), { recursive: true });
    const many = { ...json, weightsManifest: [{ paths: new Array(1000).fill('shard0.bin'), weights: [] }] };
    await writeFile(at('many.json'), JSON.stringify(many));
    await refused('many.json', model, /names no weights/);
    await writeFile(at('keras.json'), '{}');
    await refused('keras.json', model, /names no weights/);
  });
});
