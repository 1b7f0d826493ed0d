/** A model of a number and one of several labels on the command line: scored, measured and exported. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import { writeSafetensors } from '../../src/learning/model-files/safetensors.ts';
import type { TableTask } from '../../src/tasks/data/table/table-schema.ts';
import type { ModelSpec } from '../../src/tasks/models/registry.ts';
import { startBackend } from '../../src/tensor/tfjs-backend.ts';
import { jsonOf, starlings } from './starlings-process.ts';

let folder = '';
const at = (...names: string[]): string => join(folder, ...names);
const numeric = [{ column: 'age', mean: 50, scale: 10 }];
const number: TableTask = {
  kind: 'table',
  numeric,
  label: { kind: 'number', column: 'pressure', mean: 130, scale: 20, unit: 'mmHg' },
  heldOutEvery: 2,
};
const labels: TableTask = {
  kind: 'table',
  numeric,
  label: { kind: 'labels', columns: ['asthma', 'gout'] },
  heldOutEvery: 2,
};
const modelFor = (outputs: number): ModelSpec => ({ kind: 'logistic-regression', inputs: 1, outputs });

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starlings-objectives-'));
  // 140 + 20 (age - 50) / 10: 130 at 45, 150 at 55.
  await writeSafetensors(at('number.safetensors'), modelFor(1), Float32Array.of(1, 0.5), {
    task: JSON.stringify(number),
  });
  // ln 3 and -ln 3 at 50: 3/4 and 1/4.
  const vector = Float32Array.of(1, -1, Math.log(3), -Math.log(3));
  await writeSafetensors(at('labels.safetensors'), modelFor(2), vector, { task: JSON.stringify(labels) });
});
after(() => rm(folder, { recursive: true, force: true }));

async function predicted(model: string): Promise<{ csv: string; predictions: unknown; text: string }> {
  await writeFile(at('new.csv'), 'age\n45\n50\n');
  const from = ['model', 'predict', '--from', at(model), '--input', at('new.csv')];
  const json = await starlings(...from, '--json');
  assert.equal(json.exitCode, 0, json.stderr);
  const text = await starlings(...from);
  const out = await starlings(...from, '--out', at('out.csv'), '--force');
  assert.equal(out.exitCode, 0, out.stderr);
  return {
    csv: await readFile(at('out.csv'), 'utf8'),
    predictions: jsonOf(json)['predictions'],
    text: text.stdout,
  };
}

async function exported(
  model: string,
  ages: readonly number[],
): Promise<[Record<string, unknown>, number[]]> {
  const end = await starlings('model', 'export', '--from', at(model), '--out', at(`web-${model}`));
  assert.equal(end.exitCode, 0, end.stderr);
  const { weightsManifest, ...artifacts } = JSON.parse(
    await readFile(at(`web-${model}`, 'model.json'), 'utf8'),
  );
  const weightData = Uint8Array.from(await readFile(at(`web-${model}`, weightsManifest[0].paths[0]))).buffer;
  await startBackend('wasm');
  const specs = { weightSpecs: weightsManifest[0].weights, weightData };
  const loaded = await loadLayersModel(tf.io.fromMemory({ ...artifacts, ...specs }));
  const answers = tf.tidy(() => [
    ...(loaded.predict(tf.tensor2d(ages.map((age) => [age]))) as tf.Tensor).dataSync(),
  ]);
  loaded.dispose();
  return [artifacts.userDefinedMetadata.starlings, answers];
}

describe('a model of a number', () => {
  test('says numbers in the units of the data, exported too', async () => {
    const { csv, predictions, text } = await predicted('number.safetensors');
    assert.equal(csv, 'row,pressure\n0,130\n1,140\n');
    assert.deepEqual(predictions, [
      { row: 0, value: 130 },
      { row: 1, value: 140 },
    ]);
    assert.match(text, /row 1: pressure 140 mmHg\n/);
    const [usage, answers] = await exported('number.safetensors', [45, 50]);
    assert.deepEqual(
      answers.map((value) => Number(value.toFixed(3))),
      [130, 140],
    );
    assert.deepEqual(usage['target'], { name: 'pressure', mean: 130, scale: 20, unit: 'mmHg' });
    assert.deepEqual(usage['classes'], []);
  });

  test('is measured by its errors, of several sites together by their squares', async () => {
    // Held out are the second rows: 3 off at the first site, 4 and 0 at the second.
    await writeFile(at('a.csv'), 'age,pressure\n45,0\n50,143\n');
    await writeFile(at('b.csv'), 'age,pressure\n45,0\n50,144\n45,0\n45,130\n');
    const from = [
      'model',
      'evaluate',
      '--from',
      at('number.safetensors'),
      '--data',
      at('a.csv'),
      at('b.csv'),
    ];
    const json = jsonOf(await starlings(...from, '--json'));
    const [a, b] = json['sites'] as { rmse: number; mae: number }[];
    const close = (value: unknown, expected: number) =>
      assert.ok(Math.abs((value as number) - expected) < 1e-4, `${value}, not ${expected}`);
    close(a!.rmse, 3);
    close(b!.rmse, Math.sqrt(8));
    close(b!.mae, 2);
    close(json['rmse'], Math.sqrt(25 / 3));
    close(json['mae'], 7 / 3);
    assert.equal(json['accuracy'], undefined);
    const { stdout } = await starlings(...from);
    assert.match(
      stdout,
      /b\.csv: rmse 2\.8284 mmHg, mae 2 mmHg, R2 0\.8\d+, loss 0\.0200 on 2 held-out examples/,
    );
  });
});

test('a model of several labels says which hold, with the probability of each', async () => {
  const { csv, predictions, text } = await predicted('labels.safetensors');
  const [head, ...rows] = csv.trim().split('\n');
  assert.equal(head, 'row,probability of asthma,probability of gout');
  assert.match(rows[1]!, /^1,0\.75\d*,0\.25\d*$/);
  assert.deepEqual((predictions as { labels: string[] }[])[1]!.labels, ['asthma']);
  assert.match(text, /row 1: asthma\n/);
  const [usage, answers] = await exported('labels.safetensors', [50]);
  assert.deepEqual(
    answers.map((value) => Number(value.toFixed(4))),
    [0.75, 0.25],
  );
  assert.deepEqual(usage['classes'], ['asthma', 'gout']);
});
