/** A model on the command line: rows scored into a file, and the same answers from what was exported. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import { loadRunSpec } from '../../src/config/run-file.ts';
import { initialVector } from '../../src/learning/initial.ts';
import { readSafetensors, writeSafetensors } from '../../src/learning/model-files/safetensors.ts';
import { writeIdxImages } from '../../src/tasks/data/idx-images/idx-file.ts';
import { mnistFolder } from '../../src/tasks/data/idx-images/mnist-folder.ts';
import { startBackend } from '../../src/tensor/tfjs-backend.ts';
import { jsonOf, starlings } from './starlings-process.ts';

let folder = '';
const at = (...names: string[]): string => join(folder, ...names);
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starlings-model-commands-'));
  for (const run of ['heart-logistic', 'mnist-mlp']) {
    const spec = await loadRunSpec(`configs/runs/${run}.yaml`);
    const vector = initialVector(spec.model, 3).map((value, index) => value + 0.01 * (index % 7));
    await writeSafetensors(at(`${run}.safetensors`), spec.model, vector, { task: JSON.stringify(spec.task) });
  }
});
after(() => rm(folder, { recursive: true, force: true }));

/** Rows of 14 columns as in training, the label unknown; every fifth value of the blood pressure is missing. */
const patients = Array.from({ length: 12 }, (_, row) => [
  ...[
    40 + row,
    row % 2,
    (row % 4) + 1,
    row % 5 === 0 ? Number.NaN : 110 + 3 * row,
    200 + row,
    0,
    0,
    120 + row,
  ],
  ...[row % 2, row / 10, 1, 0, 3, Number.NaN],
]);
const asCsv = (rows: readonly (readonly number[])[]) => rows.map((row) => `${row.join(',')}\n`).join('');
const used = [0, 1, 2, 3, 4, 7, 8, 9];

interface Facts {
  readonly path?: string;
  readonly examples: number;
  readonly accuracy: number;
  readonly majority: number;
  readonly auc: number | null;
  readonly confusion: readonly (readonly number[])[];
}

async function scored(rows: string, name: string): Promise<string[][]> {
  await writeFile(at('new.csv'), rows);
  const from = ['--from', at('heart-logistic.safetensors'), '--input', at('new.csv'), '--out', at(name)];
  const end = await starlings('model', 'predict', ...from, '--json');
  assert.equal(end.exitCode, 0, end.stderr);
  assert.equal(jsonOf(end)['rows'], 12);
  const lines = (await readFile(at(name), 'utf8')).trimEnd().split('\n');
  return lines.map((line) => line.split(','));
}

describe('model predict and model export', () => {
  test('score new rows of a table into a file, as the exported model does from the raw rows', async () => {
    const [head, ...rows] = await scored(asCsv(patients), 'scores.csv');
    assert.deepEqual(head, ['row', 'class', 'probability of healthy', 'probability of disease']);
    // The features alone, in the order of the task, say the same.
    const alone = patients.map((row) => used.map((column) => row[column]!));
    assert.deepEqual((await scored(asCsv(alone), 'alone.csv')).slice(1), rows);

    const exported = ['--from', at('heart-logistic.safetensors'), '--out', at('web')];
    assert.equal((await starlings('model', 'export', ...exported)).exitCode, 0);
    const { weightsManifest, ...artifacts } = JSON.parse(await readFile(at('web/model.json'), 'utf8'));
    const weightData = Uint8Array.from(await readFile(at('web', weightsManifest[0].paths[0]))).buffer;
    await startBackend('wasm');
    const loaded = await loadLayersModel(
      tf.io.fromMemory({ ...artifacts, weightSpecs: weightsManifest[0].weights, weightData }),
    );
    const { mean, features, classes } = artifacts.userDefinedMetadata.starlings;
    assert.equal(features[3], 'blood pressure');
    const raw = alone.map((row) => row.map((value, index) => (Number.isNaN(value) ? mean[index] : value)));
    const answers = tf.tidy(() => (loaded.predict(tf.tensor2d(raw)) as tf.Tensor).dataSync());
    loaded.dispose();
    for (const [index, [row, name, healthy, disease]] of rows.entries()) {
      assert.equal(Number(row), index);
      for (const [place, probability] of [healthy, disease].entries()) {
        assert.ok(Math.abs(Number(probability) - answers[2 * index + place]!) < 1e-5, `row ${row}`);
      }
      assert.equal(name, classes[Number(disease) > Number(healthy) ? 1 : 0]);
    }
    assert.ok(new Set(rows.map(([, name]) => name)).size === 2, 'both classes occur, or this shows little');
  });

  test('write each format with a card that says what it is', async () => {
    const from = ['--from', at('heart-logistic.safetensors')];
    const cards = { tfjs: 'all-tfjs/README.md', safetensors: 'all-safetensors.md', onnx: 'all-onnx.md' };
    for (const [format, card] of Object.entries(cards)) {
      const end = await starlings(
        'model',
        'export',
        ...from,
        '--format',
        format,
        '--out',
        at(`all-${format}`),
        '--json',
      );
      assert.equal(end.exitCode, 0, end.stderr);
      assert.equal(jsonOf(end)['card'], at(card));
      const text = await readFile(at(card), 'utf8');
      assert.match(text, /\| classes \| healthy, disease \|/);
      assert.ok(text.includes(`as ${format} |`));
    }
    const measured = ['--from', at('mnist-mlp.safetensors'), '--format', 'onnx', '--out', at('mnist.onnx')];
    assert.equal((await starlings('model', 'export', ...measured, '--data', mnistFolder())).exitCode, 0);
    const card = await readFile(at('mnist.onnx.md'), 'utf8');
    assert.match(card, /accuracy \d+\.\d\d %, loss .* on 10000 held-out answers; always 1: 11\.35 %/);
    const again = await starlings('model', 'export', ...from, '--format', 'onnx', '--out', at('all-onnx'));
    assert.equal(again.exitCode, 2);
    const { metadata } = await readSafetensors(at('all-safetensors'));
    assert.deepEqual(JSON.parse(metadata['starlings']!).classes, ['healthy', 'disease']);
  });

  test('score an IDX file of images', async () => {
    const pixels = Uint8Array.from({ length: 3 * 784 }, (_, index) => (index * 7) % 256);
    await writeIdxImages(at('new-images'), { count: 3, rows: 28, columns: 28, pixels });
    const from = ['--from', at('mnist-mlp.safetensors'), '--json'];
    const ofIdx = await starlings('model', 'predict', ...from, '--input', at('new-images'));
    assert.equal(ofIdx.exitCode, 0, ofIdx.stderr);
    const rows = Array.from({ length: 3 }, (_, row) => [...pixels.subarray(row * 784, (row + 1) * 784)]);
    await writeFile(at('rows.json'), JSON.stringify(rows));
    const ofJson = await starlings('model', 'predict', ...from, '--input', at('rows.json'));
    assert.deepEqual(jsonOf(ofIdx)['predictions'], jsonOf(ofJson)['predictions']);
    assert.equal((jsonOf(ofIdx)['predictions'] as unknown[]).length, 3);
  });

  test('replace nothing, and write nothing into what a node keeps, unless somebody insists', async () => {
    const from = ['--from', at('heart-logistic.safetensors'), '--input', at('new.csv')];
    await writeFile(at('taken.csv'), 'mine');
    await writeFile(at('new.csv'), asCsv(patients));
    const refused = await starlings('model', 'predict', ...from, '--out', at('taken.csv'));
    assert.equal(refused.exitCode, 2);
    assert.match(refused.stderr, /taken\.csv exists; choose another --out, or --force/);
    assert.equal(await readFile(at('taken.csv'), 'utf8'), 'mine');
    const forced = await starlings('model', 'predict', ...from, '--out', at('taken.csv'), '--force');
    assert.equal(forced.exitCode, 0, forced.stderr);

    await mkdir(at('node', 'runs'), { recursive: true });
    await writeFile(at('node', 'key'), '');
    const inside = at('node', 'web');
    const exported = ['model', 'export', '--from', at('heart-logistic.safetensors'), '--out', inside];
    const kept = await starlings(...exported);
    assert.equal(kept.exitCode, 2);
    assert.match(
      kept.stderr,
      /web is in \S+node, which a node keeps for itself; choose another --out, or --force/,
    );
    assert.ok(!existsSync(inside));
    assert.equal((await starlings(...exported, '--force')).exitCode, 0);
  });

  test('evaluate one site and several: beside the most frequent class, and together by counts', async () => {
    const site = async (name: string, rows: number, isSick: (row: number) => boolean): Promise<string> => {
      const table = Array.from({ length: rows }, (_, row) =>
        patients[row % 12]!.with(13, isSick(row) ? 2 : 0),
      );
      await writeFile(at(name), asCsv(table));
      return at(name);
    };
    // Of every site every fifth row is held out: 4 and 20.
    const small = await site('small.csv', 20, () => true);
    const large = await site('large.csv', 100, (row) => row % 2 === 0);
    const from = ['--from', at('heart-logistic.safetensors')];
    const end = await starlings('model', 'evaluate', ...from, '--data', small, large, '--json');
    assert.equal(end.exitCode, 0, end.stderr);
    const { sites, ...whole } = jsonOf(end) as unknown as Facts & { sites: Facts[] };
    assert.deepEqual(
      sites.map(({ path, examples, majority, auc }) => [path, examples, majority, auc === null]),
      [
        [small, 4, 1, true],
        [large, 20, 0.5, false],
      ],
    );
    assert.deepEqual([whole.examples, whole.majority], [24, 14 / 24]);
    const right = (facts: Facts) => facts.confusion.reduce((sum, row, label) => sum + row[label]!, 0);
    for (const facts of [...sites, whole]) {
      assert.ok(Math.abs(facts.accuracy - right(facts) / facts.examples) < 1e-9);
    }
    assert.equal(right(whole), right(sites[0]!) + right(sites[1]!));
    assert.match(end.stderr, /all together: accuracy \S+ %, loss \S+, AUC 0\.\d{4} on 24 held-out examples/);
    assert.match(end.stderr, /who always says disease, the most frequent, is right for 58\.33 %/);
    assert.match(end.stderr, /confusion .*\n +healthy +disease\n +healthy +\d+ +\d+\n +disease +\d+ +\d+\n/);
  });

  test('refuse a table that is neither as in training nor the features alone', async () => {
    await writeFile(at('narrow.csv'), '1,2,3\n');
    const from = ['--from', at('heart-logistic.safetensors'), '--input', at('narrow.csv')];
    const end = await starlings('model', 'predict', ...from);
    assert.equal(end.exitCode, 2);
    assert.match(end.stderr, /narrow\.csv:1: expected 14 fields, one a column, found 3\n$/);
  });
});
