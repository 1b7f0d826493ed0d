/** Exported ONNX files against onnxruntime, which computes them by itself. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Message } from '../../src/core/protobuf.ts';
import { initialVector } from '../../src/learning/initial.ts';
import { ModelFileError } from '../../src/learning/learning-error.ts';
import { writeOnnx } from '../../src/learning/model-files/onnx/write-onnx.ts';
import { answer, predict } from '../../src/learning/tfjs/inference.ts';
import { Network } from '../../src/learning/tfjs/network.ts';
import { rngFor } from '../../src/math/rng.ts';
import { objectiveOf, type TaskSpec, taskKindOf, taskSchema } from '../../src/tasks/data/registry.ts';
import { scaleValue } from '../../src/tasks/data/scaling.ts';
import { readLayers } from '../../src/tasks/models/layers/read-layers.ts';
import { exampleShapeOf, formOf, inputsOf, outputsOf } from '../../src/tasks/models/model-layout.ts';
import { type ModelSpec, modelKindOf, modelKinds } from '../../src/tasks/models/registry.ts';
import { startBackend } from '../../src/tensor/tfjs-backend.ts';
import { models as oracles, savedJson } from '../tasks/layers-oracle.ts';

const runtime = await import('onnxruntime-web').catch(() => null);
const skip = runtime === null && 'onnxruntime-web is not installed (npm ci installs it)';
if (runtime) runtime.env.wasm.numThreads = 1;

const folder = await mkdtemp(join(tmpdir(), 'starlings-onnx-'));
after(() => rm(folder, { recursive: true, force: true }));
before(() => startBackend('wasm'));
const file = join(folder, 'model.onnx');
const rows = 5;

/** Of features in very different units, or of pixels. */
function taskFor(model: ModelSpec): TaskSpec {
  if (formOf(model) === 'pixels') return { kind: 'idx-images' };
  const numeric = Array.from({ length: inputsOf(model) }, (_, index) => ({
    column: `c${index}`,
    mean: 10 * index - 3,
    scale: 1 + index * 50,
  }));
  return { kind: 'table', numeric, label: { column: 'class' }, heldOutEvery: 5 };
}

const fromFile = await (async () => {
  await startBackend('wasm');
  const all: (readonly [string, ModelSpec])[] = [];
  for (const [title, build] of Object.entries(oracles))
    all.push([title, readLayers(await savedJson(build()))]);
  return all;
})();
const cases: readonly (readonly [string, ModelSpec])[] = [
  ...modelKinds
    .flatMap(({ examples }): readonly ModelSpec[] => examples)
    .filter((model) => modelKindOf(model).asLayers && formOf(model) !== 'bytes')
    .map((model) => [model.kind, model] as const),
  ...fromFile,
];

describe('an ONNX file', { skip }, () => {
  for (const [title, outputs, label] of [
    ['a number', 1, { kind: 'number', column: 'y', mean: 130, scale: 20 }],
    ['labels', 2, { kind: 'labels', columns: ['a', 'b'] }],
  ] as const) {
    test(`gives of raw rows ${title} where the task asks for it`, async () => {
      const model: ModelSpec = { kind: 'mlp', inputs: 3, hidden: [5], outputs };
      const numeric = ['c', 'd', 'e'].map((column) => ({ column, mean: 1, scale: 2 }));
      const task = taskSchema.parse({ kind: 'table', numeric, label });
      const vector = initialVector(model, 5);
      await writeOnnx(file, model, vector, task);
      const raw = Float32Array.from({ length: 12 }, (_, index) => (index % 5) - 2);
      const ours = await answer(
        model,
        objectiveOf(task),
        vector,
        raw.map((value) => (value - 1) / 2),
      );
      const session = await runtime!.InferenceSession.create(await readFile(file));
      const { value, probabilities } = await session.run({
        input: new runtime!.Tensor('float32', raw, [4, 3]),
      });
      const theirs = (value ?? probabilities)!.data as Float32Array;
      assert.equal(theirs.length, 4 * outputs);
      ours.forEach((one, at) => {
        assert.ok(
          Math.abs(one - theirs[at]!) < 1e-5 * Math.max(1, Math.abs(one)),
          `${one}, not ${theirs[at]}`,
        );
      });
    });
  }

  for (const [title, model] of cases) {
    test(`gives of raw rows what we predict: ${title}`, async () => {
      const task = taskFor(model);
      const rng = rngFor(`onnx/${title}`);
      const vector = initialVector(model, 5).map((value) => value + 0.02 * rng.normal());
      await writeOnnx(file, model, vector, task, { runId: 'abc' });
      const inputs = inputsOf(model);
      const scaling = taskKindOf(task).scaling!(task);
      const { mean, scale } = scaling;
      const at = (of: number | readonly number[], column: number) =>
        typeof of === 'number' ? of : of[column]!;
      // As a float32, which is what the runtime is given; now and then one is missing.
      const raw = Float32Array.from({ length: rows * inputs }, (_, index) =>
        index % 11 === 3 ? Number.NaN : at(mean, index % inputs) + at(scale, index % inputs) * rng.normal(),
      );
      const ours = await predict(
        model,
        vector,
        raw.map((value, index) => scaleValue(scaling, index % inputs, value)),
      );
      const session = await runtime!.InferenceSession.create(await readFile(file));
      const fed = new runtime!.Tensor('float32', raw, [rows, ...exampleShapeOf(model)]);
      const { probabilities } = await session.run({ input: fed });
      assert.deepEqual(probabilities!.dims, [rows, outputsOf(model)]);
      const theirs = probabilities!.data as Float32Array;
      ours.probabilities.forEach((value, index) => {
        assert.ok(Math.abs(value - theirs[index]!) < 1e-4, `${theirs[index]} at ${index}, not ${value}`);
      });
      assert.ok(
        new Set(ours.probabilities.map((value) => Math.fround(Math.round(1e4 * value)))).size > 2,
        'all alike shows little',
      );
      await session.release();
    });
  }
});

const text = taskSchema.parse({ kind: 'text' });
const languageModels = modelKinds
  .flatMap(({ examples }): readonly ModelSpec[] => examples)
  .filter((model) => formOf(model) === 'bytes' && modelKindOf(model).frozen === undefined);

describe('an ONNX file of a language model', { skip }, () => {
  for (const model of languageModels) {
    test(`gives of text of any length what we say comes next: ${model.kind}`, async () => {
      const rng = rngFor(`onnx/text/${model.kind}`);
      const vector = initialVector(model, 5).map((value) => value + 0.1 * rng.normal());
      await writeOnnx(file, model, vector, text, { runId: 'abc' });
      const session = await runtime!.InferenceSession.create(await readFile(file));
      const network = await Network.load(model, vector);
      for (const length of [1, 5, inputsOf(model)]) {
        const bytes = Int32Array.from({ length: 2 * length }, () => rng.int(256));
        const ours = network.probabilities(bytes, 2);
        const fed = new runtime!.Tensor('int64', BigInt64Array.from(bytes, BigInt), [2, length]);
        const { probabilities } = await session.run({ bytes: fed });
        assert.deepEqual(probabilities!.dims, [2, length, 256]);
        const theirs = probabilities!.data as Float32Array;
        ours.forEach((value, index) => {
          assert.ok(Math.abs(value - theirs[index]!) < 1e-5, `${theirs[index]} at ${index}, not ${value}`);
        });
      }
      network.dispose();
      await session.release();
    });
  }

  test('there is one of each kind that tells bytes', () => {
    assert.ok(languageModels.some(({ kind }) => kind === 'gpt'));
    assert.ok(languageModels.some(({ kind }) => kind === 'layers'));
  });
});

describe('ONNX', () => {
  test('of a model that it cannot say is refused before anything is written', async () => {
    const [lora] = modelKinds.find(({ kind }) => kind === 'gpt-lora')!.examples;
    await assert.rejects(
      writeOnnx(join(folder, 'no.onnx'), lora!, initialVector(lora!, 1), text),
      (error) => error instanceof ModelFileError && /ONNX has no counterpart of gpt-lora/.test(error.message),
    );
    assert.ok(!existsSync(join(folder, 'no.onnx')));
  });

  test('says in its metadata what the classes are and how values were scaled', async () => {
    const model: ModelSpec = { kind: 'logistic-regression', inputs: 2, outputs: 2 };
    const task = { ...taskFor(model), label: { column: 'class', classes: ['well', 'ill'] } } as TaskSpec;
    await writeOnnx(file, model, initialVector(model, 1), task, { runId: 'abc' });
    const text = (await readFile(file)).toString('latin1');
    const { classes, mean, runId } = JSON.parse(
      text.slice(text.indexOf('{"task"'), text.lastIndexOf('}') + 1),
    );
    assert.deepEqual([classes, mean, runId], [['well', 'ill'], [-3, 7], 'abc']);
  });

  test('numbers are written as Protocol Buffers has them', () => {
    const bytes = (message: Message) => Buffer.concat(message.parts).toString('hex');
    // Of the documentation: 150 in field 1, "testing" in field 2, both in field 3.
    assert.equal(bytes(new Message().integer(1, 150)), '089601');
    assert.equal(bytes(new Message().text(2, 'testing')), '120774657374696e67');
    assert.equal(bytes(new Message().message(3, new Message().integer(1, 150))), '1a03089601');
    assert.equal(bytes(new Message().integer(1, -2)), '08feffffffffffffffff01');
    assert.equal(bytes(new Message().float(2, 1)), '150000803f');
  });
});
