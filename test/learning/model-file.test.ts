import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import fc from 'fast-check';
import { initialVector } from '../../src/learning/initial.ts';
import { ModelFileError } from '../../src/learning/learning-error.ts';
import { writeLayersFolder } from '../../src/learning/model-files/layers-folder.ts';
import { readSafetensors, writeSafetensors } from '../../src/learning/model-files/safetensors.ts';
import { evaluateModel, predict } from '../../src/learning/tfjs/inference.ts';
import { rngFor } from '../../src/math/rng.ts';
import { type TaskSpec, taskKindOf } from '../../src/tasks/data/registry.ts';
import { scaleValue } from '../../src/tasks/data/scaling.ts';
import { classNames } from '../../src/tasks/data/table/labels.ts';
import type { TableTask } from '../../src/tasks/data/table/table-schema.ts';
import { readLayers } from '../../src/tasks/models/layers/read-layers.ts';
import { exampleShapeOf, inputsOf } from '../../src/tasks/models/model-layout.ts';
import type { ModelSpec } from '../../src/tasks/models/registry.ts';
import { startBackend } from '../../src/tensor/tfjs-backend.ts';
import { models as oracles, savedJson } from '../tasks/layers-oracle.ts';
import { denseModel, smallDataset, smallModel } from './small-data.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starlings-model-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const vector = initialVector(smallModel, 5);
// The schema drops a key __proto__, as it should.
const metadataOf = fc.dictionary(
  fc.string().filter((key) => key !== '__proto__'),
  fc.string(),
);
const widths = fc
  .tuple(
    fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 4 }),
    fc.integer({ min: 2, max: 12 }),
  )
  .map(([rest, outputs]) => [...rest, outputs]);

/** What a stranger does with the folder: TensorFlow.js itself, from the files alone. */
async function loadWithTensorFlow(path: string): Promise<LayersModel> {
  const { weightsManifest, ...rest } = JSON.parse(await readFile(join(path, 'model.json'), 'utf8'));
  const weightData = Uint8Array.from(await readFile(join(path, weightsManifest[0].paths[0]))).buffer;
  return loadLayersModel(tf.io.fromMemory({ ...rest, weightSpecs: weightsManifest[0].weights, weightData }));
}

/** What a browser does with raw rows. */
async function askedRaw(path: string, rows: readonly number[][]): Promise<Float32Array> {
  const loaded = await loadWithTensorFlow(path);
  try {
    return tf.tidy(() =>
      (loaded.predict(tf.tensor2d(rows as number[][])) as tf.Tensor).dataSync<'float32'>(),
    );
  } finally {
    loaded.dispose();
  }
}

const mean = [54.4, 0.68, 3_000_000, 131.7, -246.7, 0.001];
const scale = [9, 0.47, 20, 17.6, 51.7, 0.0005];
const names = ['age', 'sex', 'income', 'pressure', 'offset', 'trace'];
const tableTask: TableTask = {
  kind: 'table',
  // Of very different sizes, as in tables of people: folded into the weights, the large ones would eat the small ones.
  numeric: names.map((column, at) => ({ column, mean: mean[at]!, scale: scale[at]! })),
  label: { column: 'class', classes: ['a', 'b', 'c'] },
  heldOutEvery: 5,
};

test('TensorFlow.js loads an exported folder and says of raw rows what we predict', async () => {
  const path = join(folder, 'exported');
  const random = rngFor('export');
  const cases: readonly (readonly [ModelSpec, TaskSpec, number[][]])[] = [
    [smallModel, tableTask, rowsOf(40, (column) => tableValue(column, random.normal()))],
    [denseModel([6, 5, 3]), tableTask, rowsOf(40, (column) => tableValue(column, random.normal()))],
    [denseModel([6, 3]), { kind: 'idx-images' }, rowsOf(40, () => random.int(256))],
  ];
  await startBackend('wasm');
  for (const [model, task, rows] of cases) {
    const start = initialVector(model, 9).map((value) => value + 0.1);
    const tensorsBefore = tf.memory().numTensors;
    await writeLayersFolder(path, model, start, task);
    const scaling = taskKindOf(task).scaling!(task);
    const scaled = Float32Array.from(rows.flat(), (value, at) => scaleValue(scaling, at % 6, value));
    const ours = await predict(model, start, scaled);
    assert.equal(tf.memory().numTensors, tensorsBefore);
    const theirs = await askedRaw(path, rows);
    assert.equal(theirs.length, ours.probabilities.length);
    theirs.forEach((probability, at) => {
      assert.ok(Math.abs(probability - ours.probabilities[at]!) < 1e-5, `${task.kind}: ${probability}`);
    });
  }
  assert.deepEqual((await readdir(path)).sort(), ['group1-shard1of1.bin', 'model.json']);
});

test('TensorFlow.js loads exported networks for images, graphs among them', async () => {
  await startBackend('wasm');
  const lenet: ModelSpec = { kind: 'lenet', height: 16, width: 18, channels: 1, outputs: 3 };
  const graph = readLayers(await savedJson(oracles['a graph that parts and meets']!()));
  const filters = readLayers(await savedJson(oracles['separable and depthwise convolutions']!()));
  const random = rngFor('export-images');
  for (const model of [lenet, graph, filters]) {
    const path = join(folder, `images-${model.kind}`);
    const start = initialVector(model, 9).map((value) => value + 0.01 * random.normal());
    await writeLayersFolder(path, model, start, { kind: 'idx-images' });
    const pixels = Float32Array.from({ length: 4 * inputsOf(model) }, () => random.int(256));
    const ours = await predict(
      model,
      start,
      pixels.map((value) => value / 255),
    );
    const loaded = await loadWithTensorFlow(path);
    const theirs = tf.tidy(() => {
      const images = tf.tensor(pixels, [4, ...exampleShapeOf(model)]);
      return (loaded.predict(images) as tf.Tensor).dataSync();
    });
    loaded.dispose();
    ours.probabilities.forEach((value, at) => {
      assert.ok(Math.abs(value - theirs[at]!) < 1e-5, `${model.kind}: ${theirs[at]} at ${at}, not ${value}`);
    });
  }
});

test('an exported folder says what its rows and classes are, and what stands for a missing value', async () => {
  const path = join(folder, 'named');
  await writeLayersFolder(path, smallModel, vector, tableTask);
  const loaded = await loadWithTensorFlow(path);
  const { starlings } = loaded.getUserDefinedMetadata() as { starlings: Record<string, unknown> };
  loaded.dispose();
  assert.deepEqual(starlings['features'], names);
  assert.deepEqual(starlings['classes'], classNames(tableTask.label));
  assert.deepEqual([starlings['mean'], starlings['scale']], [mean, scale]);
  // A row of which everything is missing: its means in the browser, zeros here.
  const ours = await predict(smallModel, vector, new Float32Array(6));
  (await askedRaw(path, [[...mean]])).forEach((probability, at) => {
    assert.ok(Math.abs(probability - ours.probabilities[at]!) < 1e-5);
  });
});

function rowsOf(count: number, draw: (column: number) => number): number[][] {
  return Array.from({ length: count }, () => Array.from({ length: 6 }, (_, column) => draw(column)));
}

/** As a float32, which is what a browser is given. */
function tableValue(column: number, deviation: number): number {
  return Math.fround(mean[column]! + deviation * scale[column]!);
}

test('what TensorFlow.js Layers cannot say is refused before anything is written', async () => {
  const path = join(folder, 'none');
  const cases: readonly (readonly [ModelSpec, RegExp])[] = [
    [
      { kind: 'gn-lenet', height: 16, width: 16, channels: 1, outputs: 2 },
      /no group-normalization \(layer norm_0\)/,
    ],
    [{ kind: 'gpt', context: 8, layers: 1, heads: 2, width: 8 }, /no counterpart of gpt/],
  ];
  for (const [model, expected] of cases) {
    await assert.rejects(
      writeLayersFolder(path, model, initialVector(model, 1), { kind: 'idx-images' }),
      (error) => error instanceof ModelFileError && expected.test(error.message),
    );
  }
  await assert.rejects(writeLayersFolder(path, smallModel, vector.subarray(1), tableTask), RangeError);
  await assert.rejects(readdir(path), { code: 'ENOENT' });
});

test('safetensors round trip to model, bits and metadata', async () => {
  const file = join(folder, 'round.safetensors');
  const anyFloat = fc.float();
  await fc.assert(
    fc.asyncProperty(
      widths,
      metadataOf,
      fc.array(anyFloat, { minLength: 1 }),
      async (sizes, metadata, values) => {
        const model = denseModel(sizes);
        const any = initialVector(model, 1).map((_, at) => values[at % values.length]!);
        await writeSafetensors(file, model, any, metadata);
        const read = await readSafetensors(file);
        assert.deepEqual(read.model, model);
        assert.deepEqual(read.vector, any);
        assert.deepEqual({ ...read.metadata }, { ...metadata });
      },
    ),
    { numRuns: 40 },
  );
});

test('tensors may stand in any order in the file', async () => {
  const file = join(folder, 'order.safetensors');
  const header = JSON.stringify({
    'dense_0/bias': { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
    'dense_0/kernel': { dtype: 'F32', shape: [1, 2], data_offsets: [8, 16] },
  });
  await writeFile(file, safetensors(header, Float32Array.of(3, 4, 1, 2)));
  const { model, vector: read, metadata } = await readSafetensors(file);
  assert.deepEqual(model, { kind: 'logistic-regression', inputs: 1, outputs: 2 });
  assert.deepEqual([...read], [1, 2, 3, 4]);
  assert.deepEqual(metadata, {});
});

test('lying safetensors are refused with one sentence, whatever was cut or changed', async () => {
  const file = join(folder, 'lying.safetensors');
  const kernel = { dtype: 'F32', shape: [1, 2], data_offsets: [0, 8] };
  const bias = { dtype: 'F32', shape: [2], data_offsets: [8, 16] };
  const refused = async (tensors: object | string, message: RegExp, floats = 4) => {
    const header = typeof tensors === 'string' ? tensors : JSON.stringify(tensors);
    await writeFile(file, safetensors(header, new Float32Array(floats)));
    await assert.rejects(
      readSafetensors(file),
      (error) =>
        error instanceof ModelFileError && error.message.includes(file) && message.test(error.message),
    );
  };
  const named = (k: object, b: object) => ({ 'dense_0/kernel': k, 'dense_0/bias': b });
  await refused('{', /no JSON/);
  await refused({}, /found 16: the file is truncated or too long/);
  await refused({}, /nothing says which model this is/, 0);
  await refused(named(kernel, bias), /expected 16 bytes of tensors, found 12/, 3);
  await refused(
    named(kernel, { ...bias, data_offsets: [4, 12] }),
    /expected tensor dense_0\/bias at bytes 8 to 16/,
  );
  await refused(named({ ...kernel, dtype: 'F16' }, bias), /not that of float32 tensors/);
  await refused(named({ ...kernel, shape: [2] }, bias), /nothing says which model/);
  await refused(
    named({ ...kernel, shape: [2, 1] }, bias),
    /expected tensor dense_0\/bias of shape 1|nothing says which model/,
  );
  await refused(named(kernel, { ...bias, shape: [1, 2] }), /expected tensor dense_0\/bias of shape 2/);
  await refused(
    { ...named(kernel, bias), other: { dtype: 'F32', shape: [1], data_offsets: [16, 20] } },
    /2 tensors, found 3/,
    5,
  );
  await refused({ 'dense_0/kernel': kernel, x: bias }, /expected tensor dense_0\/bias of shape 2/);
  const described = (model: object) => ({
    __metadata__: { model: JSON.stringify(model) },
    ...named(kernel, bias),
  });
  const flat = { kind: 'flatten', name: 'f' };
  for (const [layers, expected] of [
    [[{ ...flat, from: ['nobody'] }], /describes none: model\.layers\.0 layer f takes the values of nobody/],
    [[{ kind: 'add', name: 'a' }], /describes none: .* takes two inputs/],
    [[{ kind: 'reshape', name: 'r', shape: [3] }], /describes none: .* cannot make 3 of 2/],
  ] as const)
    await refused(described({ kind: 'layers', input: [2], layers }), expected);
  await refused(described({ kind: 'gpt', heads: 3, width: 128 }), /describes none: model\.heads must divide/);
  // A thousand things that are wrong, under very long names, are one sentence all the same.
  const long = 'x'.repeat(900);
  const wrong = Array.from({ length: 1000 }, (_, at) => [`${long}${at}`, { ...kernel, dtype: 'F16' }]);
  await refused(Object.fromEntries(wrong), /^[^\n]{10,500}$/);
  await refused({ [long]: { ...kernel, data_offsets: [8, 16] } }, /^[^\n]{10,500}$/);
  await writeFile(file, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1]));
  await assert.rejects(readSafetensors(file), {
    code: 'BAD_MODEL_FILE',
    message: /claim a header of 9223372036854775807 bytes/,
  });
  await writeSafetensors(file, smallModel, vector);
  const whole = await readFile(file);
  for (let length = 0; length < whole.length; length += 41) {
    await writeFile(file, whole.subarray(0, length));
    await assert.rejects(readSafetensors(file), { code: 'BAD_MODEL_FILE' });
  }
});

test('predictions are distributions, classes their peaks, accuracy counts them', async () => {
  const data = smallDataset('predict', 1203);
  const { probabilities, classes } = await predict(smallModel, vector, data.inputs as Float32Array);
  for (let row = 0; row < 1203; row++) {
    const one = [...probabilities.subarray(row * 3, row * 3 + 3)];
    assert.ok(Math.abs(one.reduce((sum, p) => sum + p, 0) - 1) < 1e-6);
    assert.equal(classes[row], one.indexOf(Math.max(...one)));
  }
  const told: number[] = [];
  const metrics = await evaluateModel(smallModel, vector, data, { onRows: (done) => told.push(done) });
  assert.equal(told.at(-1), 1203);
  assert.ok(told.length > 1 && told.every((done, at) => at === 0 || done > told[at - 1]!));
  const right = classes.filter((predicted, row) => predicted === data.labels[row]).length;
  const losses = Array.from(data.labels, (label, row) => -Math.log(probabilities[row * 3 + label]!));
  const loss = losses.reduce((sum, one) => sum + one, 0) / 1203;
  assert.equal(metrics.accuracy, right / 1203);
  assert.ok(Math.abs(metrics.loss - loss) < 1e-6);
  await assert.rejects(predict(smallModel, vector, new Float32Array(7)), { code: 'DATA_SHAPE' });
});

function safetensors(header: string, body: Float32Array): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, Buffer.from(header), Buffer.from(body.buffer)]);
}
