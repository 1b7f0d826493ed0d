/** Archives that Keras 3.15 saved (test/python/keras_models.py), as they are and as somebody who means no good changed them. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { unzipSync, zipSync } from 'fflate';
import { loadRunFile } from '../../src/config/run-file.ts';
import { ModelFileError } from '../../src/learning/learning-error.ts';
import { readKerasWeights } from '../../src/learning/model-files/keras-reading.ts';
import { weightsOfKeras } from '../../src/learning/model-files/keras-weights.ts';
import { readRunVectors } from '../../src/learning/model-files/start-vector.ts';
import { rngFor } from '../../src/math/rng.ts';
import { LayersFileError } from '../../src/tasks/models/layers/layer-config.ts';
import { modelOf, testConvertedModel, testKerasModel } from './keras-models.ts';

const saved = fileURLToPath(new URL('../vectors/keras', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'starlings-keras-'));
after(() => rm(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);

const archive = new Uint8Array(await readFile(join(saved, 'graph.keras')));
const model = modelOf(archive);
const members = unzipSync(archive);
const withMembers = (changed: Record<string, Uint8Array>): Uint8Array => zipSync({ ...members, ...changed });

async function startOf(bytes: Uint8Array): Promise<Float32Array> {
  await writeFile(at('changed.keras'), bytes);
  return (await readRunVectors({ start: at('changed.keras') }, model)).start!;
}

describe('a model that Keras saved', () => {
  for (const name of ['image', 'graph', 'series', 'text']) {
    test(`is read, with its weights, and gives what Keras gives: ${name}`, () => testKerasModel(saved, name));
  }

  test('is read as tensorflowjs_converter 4.22 writes it, too', () =>
    testConvertedModel(join(saved, 'converted')));

  test('is the model of a run whose file names it, and what it begins at', async () => {
    const numeric = [...'abcdefg'].map((column) => `{ column: ${column}, mean: 0, scale: 1 }`).join(', ');
    const task = `{ kind: table, numeric: [${numeric}], label: { column: kind } }`;
    await writeFile(at('m.keras'), archive);
    await writeFile(
      at('run.yaml'),
      `name: own\nmodel: { kind: layers, file: m.keras }\nstartFrom: m.keras\ntask: ${task}\nrounds: 3\nslotMs: 1000\n`,
    );
    const { spec, vectors } = await loadRunFile(at('run.yaml'));
    assert.deepEqual(spec.model, model);
    assert.equal(vectors.start, at('m.keras'));
  });
});

describe('an archive that Keras did not save', () => {
  const refused = (bytes: Uint8Array, expected: RegExp): void => {
    assert.throws(
      () => modelOf(bytes),
      (error) =>
        error instanceof LayersFileError && expected.test(error.message) && error.message.length < 300,
    );
  };
  const config = members['config.json']!;

  test('is refused with what to do', () => {
    refused(zipSync({ 'metadata.json': config }), /without config\.json: save the model with Keras 3/);
    refused(archive.subarray(0, archive.length - 30), /damaged archive/);
    refused(members['model.weights.h5']!, /HDF5, as older versions of Keras write it/);
    refused(new Uint8Array(20), /no JSON, and no archive of Keras/);
    const twice = zipSync({ 'config.jsom': config, 'config.json': config });
    for (let place = 0; place < twice.length - 11; place++)
      if (Buffer.from(twice.buffer, place, 11).toString() === 'config.jsom') twice[place + 10] = 0x6e;
    refused(twice, /there are two config\.json in it/);
  });

  test('is refused before it is unpacked where it would become large', () => {
    const bomb = zipSync({ 'config.json': [new Uint8Array(16 << 20), { level: 9 }] });
    assert.ok(bomb.length < 100_000);
    refused(bomb, /its config\.json has 16777216 bytes, more than 8388608/);
    // The same with a size that lies.
    const view = new DataView(bomb.buffer);
    for (let place = 0; place < bomb.length - 4; place++)
      if (view.getUint32(place, true) === 16 << 20) view.setUint32(place, 1000, true);
    refused(bomb, /no JSON|damaged/);
  });

  test('gives no weights where they are others, or none', async () => {
    const rejected = (bytes: Uint8Array, expected: RegExp) =>
      assert.rejects(
        startOf(bytes),
        (error) => error instanceof ModelFileError && expected.test(error.message),
      );
    const image = new Uint8Array(await readFile(join(saved, 'image.keras')));
    await rejected(image, /changed\.keras: the model of the run has no weights of a layer conv2d/);
    await rejected(zipSync({ 'config.json': config }), /without model\.weights\.h5/);
    await rejected(withMembers({ 'model.weights.h5': new Uint8Array(2000) }), /weights are damaged/);
    const weights = members['model.weights.h5']!;
    await rejected(withMembers({ 'model.weights.h5': weights.subarray(0, 9000) }), /damaged|no weights/);
  });

  test('ends in a sentence or in finite numbers, whichever bytes of its weights were changed', async () => {
    const rng = rngFor('keras/flips');
    const weights = members['model.weights.h5']!;
    let refusals = 0;
    for (let round = 0; round < 150; round++) {
      const changed = weights.slice();
      for (let flip = 0; flip < 6; flip++) changed[rng.int(changed.length)] = rng.int(256);
      try {
        await writeFile(at('changed.keras'), withMembers({ 'model.weights.h5': changed }));
        const vector = await weightsOfKeras(at('changed.keras'), model);
        assert.ok(vector.every(Number.isFinite));
      } catch (error) {
        if (!(error instanceof ModelFileError)) throw error;
        assert.ok(!error.message.includes('\n') && error.message.length < 400, error.message);
        refusals++;
      }
    }
    assert.ok(refusals > 10, `${refusals} of 150`);
  });

  test('is given up where a few of its bytes are a tree of more nodes than anybody reads', async () => {
    await writeFile(
      at('tree.keras'),
      withMembers({ 'model.weights.h5': grown(members['model.weights.h5']!) }),
    );
    const startedMs = performance.now();
    await assert.rejects(readKerasWeights(at('tree.keras'), model, 3_000), /cannot be read to their end/);
    assert.ok(performance.now() - startedMs < 20_000);
  });
});

/** The root of its names is said to be above so many nodes, each of them one and the same, that is above as many. */
function grown(weights: Uint8Array): Uint8Array {
  const entries = 20_000;
  const head = 24;
  const nodeBytes = head + 8 * (2 * entries + 1);
  const first = weights.length;
  const all = Buffer.concat([weights, Buffer.alloc(2 * nodeBytes)]);
  const root = all.indexOf('TREE');
  for (const [level, child] of [[2, first + nodeBytes] as const, [1, root] as const]) {
    const start = level === 2 ? first : first + nodeBytes;
    all.write('TREE', start);
    all[start + 5] = level;
    all.writeUInt16LE(entries, start + 6);
    for (let entry = 0; entry < entries; entry++)
      all.writeBigUInt64LE(BigInt(child), start + head + 16 * entry + 8);
  }
  const named = Buffer.alloc(8);
  named.writeBigUInt64LE(BigInt(root));
  for (let at = all.indexOf(named); at >= 0 && at < root; at = all.indexOf(named, at + 1))
    all.writeBigUInt64LE(BigInt(first), at);
  return all;
}
