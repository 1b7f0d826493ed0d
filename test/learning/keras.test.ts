/** Archives that Keras 3.15 saved (test/python/keras_models.py), as they are and as somebody who means no good changed them. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadRunFile } from '../../src/config/run-file.ts';
import { ModelFileError } from '../../src/learning/learning-error.ts';
import { readKerasWeights } from '../../src/learning/model-files/keras-reading.ts';
import { weightsOfKeras } from '../../src/learning/model-files/keras-weights.ts';
import { readRunVectors } from '../../src/learning/model-files/start-vector.ts';
import { rngFor } from '../../src/math/rng.ts';
import { openZip, unpacked } from '../../src/platform/node/zip-archive.ts';
import { LayersFileError } from '../../src/tasks/models/layers/layer-config.ts';
import { zip } from '../platform/zip-writer.ts';
import { modelOf, testConvertedModel, testKerasModel } from './keras-models.ts';

const saved = fileURLToPath(new URL('../vectors/keras', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'starlings-keras-'));
after(() => rm(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);

const graph = join(saved, 'graph.keras');
const archive = await readFile(graph);
const model = await modelOf(graph);
const members = await membersOf(graph);
const config = members['config.json']!;
const weights = members['model.weights.h5']!;
const withMembers = (changed: Record<string, Uint8Array>): Uint8Array =>
  zip(Object.entries({ ...members, ...changed }).map(([name, bytes]) => ({ name, bytes })));

async function membersOf(file: string): Promise<Record<string, Uint8Array>> {
  const { entries, close } = await openZip(file);
  const read = await Promise.all(entries.map(async (entry) => [entry.name, await unpacked(entry)] as const));
  close();
  return Object.fromEntries(read);
}

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
  const refused = async (bytes: Uint8Array, expected: RegExp): Promise<void> => {
    await writeFile(at('refused.keras'), bytes);
    await assert.rejects(
      modelOf(at('refused.keras')),
      (error) =>
        error instanceof LayersFileError && expected.test(error.message) && error.message.length < 300,
    );
  };
  const configTwice = [
    { name: 'config.json', bytes: config },
    { name: 'config.json', bytes: config },
  ];

  test('is refused with what to do', async () => {
    await refused(
      zip([{ name: 'metadata.json', bytes: config }]),
      /without config\.json: save the model with Keras 3/,
    );
    await refused(archive.subarray(0, archive.length - 30), /damaged archive/);
    await refused(weights, /HDF5, as older versions of Keras write it/);
    await refused(new Uint8Array(20), /no JSON, and no archive of Keras/);
    await refused(new Uint8Array((8 << 20) + 1), /it has 8388609 bytes, more than 8388608/);
    await refused(zip(configTwice), /there are two config\.json in it/);
    await refused(zip([{ name: 'config.json', bytes: config, crc: 1 }]), /damaged archive \(its checksum/);
    await assert.rejects(modelOf(folder), /is no file/);
  });

  test('is refused before it is unpacked where it would become large', async () => {
    const large = { name: 'config.json', bytes: new Uint8Array(16 << 20) };
    assert.ok(zip([large]).length < 100_000);
    await refused(zip([large]), /its config\.json has 16777216 bytes, more than 8388608/);
    await refused(zip([{ ...large, size: 1000 }]), /damaged archive/);
    await refused(
      zip([{ name: 'config.json', bytes: config.subarray(0, 10), size: 8 << 20 }]),
      /which no packing can/,
    );
  });

  test('gives no weights where they are others, or none', async () => {
    const rejected = (bytes: Uint8Array, expected: RegExp) =>
      assert.rejects(
        startOf(bytes),
        (error) => error instanceof ModelFileError && expected.test(error.message),
      );
    const image = await readFile(join(saved, 'image.keras'));
    await rejected(image, /changed\.keras: the model of the run has no weights of a layer conv2d/);
    await rejected(zip([{ name: 'config.json', bytes: config }]), /without model\.weights\.h5/);
    await rejected(withMembers({ 'model.weights.h5': new Uint8Array(2000) }), /weights are damaged/);
    await rejected(withMembers({ 'model.weights.h5': weights.subarray(0, 9000) }), /damaged|no weights/);
  });

  test('ends in a sentence or in finite numbers, whichever bytes of its weights were changed', async () => {
    const rng = rngFor('keras/flips');
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
