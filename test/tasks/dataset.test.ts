import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { CsvTask } from '../../src/tasks/data/csv/csv.ts';
import { parseCsv } from '../../src/tasks/data/csv/csv-table.ts';
import { readCsv } from '../../src/tasks/data/csv/read-csv.ts';
import { readIdxFolder } from '../../src/tasks/data/idx-images/idx-folder.ts';
import { mnistFolder } from '../../src/tasks/data/idx-images/mnist-folder.ts';
import { loadTaskData, type TaskSpec } from '../../src/tasks/data/registry.ts';
import { LabelledRows } from '../../src/tasks/datasets/labelled-rows.ts';
import type { ModelSpec } from '../../src/tasks/models/registry.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starlings-data-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const mlp: ModelSpec = { kind: 'mlp', inputs: 784, hidden: [64], outputs: 10 };
const binary: ModelSpec = { kind: 'logistic-regression', inputs: 2, outputs: 2 };
const table: CsvTask = {
  kind: 'csv',
  features: [2, 0],
  label: 1,
  positiveAbove: 0,
  mean: [10, 1],
  scale: [2, 4],
  heldOutEvery: 2,
};

test('MNIST loads as bytes with the labels everyone knows', async () => {
  const { train, heldOut } = await readIdxFolder(mlp, mnistFolder());
  assert.deepEqual([train.examples, train.exampleLength, heldOut.examples], [60_000, 784, 10_000]);
  assert.deepEqual([...train.labels.subarray(0, 5)], [5, 0, 4, 1, 9]);
  assert.deepEqual([...heldOut.labels.subarray(0, 5)], [7, 2, 1, 0, 4]);
  assert.ok(train.inputs instanceof Uint8Array);
  assert.equal(train.scale, 1 / 255);
  await assert.rejects(loadTaskData({ kind: 'idx-images' }, { ...mlp, inputs: 100 }, mnistFolder()), {
    code: 'DATA_SHAPE',
    message: /784 values, the mlp takes 100/,
  });
  await assert.rejects(loadTaskData({ kind: 'idx-images' }, { ...mlp, outputs: 9 }, mnistFolder()), {
    code: 'DATA_SHAPE',
    message: /example 4 has the label 9, the model knows 0 to 8/,
  });
});

test('a table is standardised, missing values become the mean, every n-th row is held out', async () => {
  const file = join(folder, 'clinic.csv');
  await writeFile(file, '1,0,12\r\n5,3,NaN\r\n,1,.5e1\r\n-3,0,10\r\n9,0,10\r\n');
  for (const path of [file, folder]) {
    const { train, heldOut } = await readCsv(table, binary, path);
    assert.deepEqual([...train.inputs], [1, 0, -2.5, 0, 0, 2]);
    assert.deepEqual([...train.labels], [0, 1, 0]);
    assert.deepEqual([...heldOut.inputs], [0, 1, 0, -1]);
    assert.deepEqual([...heldOut.labels], [1, 0]);
  }
});

test('errors of a table name file and line', async () => {
  const refused = async (text: string, task: TaskSpec, code: string, message: RegExp) => {
    const file = join(folder, 'bad.csv');
    await writeFile(file, text);
    await assert.rejects(loadTaskData(task, binary, file), { code, message });
  };
  await refused('1,0,2\n1,0\n', table, 'BAD_DATA_FILE', /bad\.csv:2: expected 3 columns.*found 2/);
  await refused('1,0,2\n1,0,0x10\n', table, 'BAD_DATA_FILE', /bad\.csv:2: .*column 2, found '0x10'/);
  await refused('1,0,2\n\n1,0,1e999\n', table, 'BAD_DATA_FILE', /bad\.csv:3: .*found '1e999'/);
  await refused('1,0,2\n1,NaN,2\n', table, 'BAD_DATA_FILE', /bad\.csv:2: expected a label in column 1/);
  await refused('\n', table, 'BAD_DATA_FILE', /at least one row/);
  await refused('1,0,2\n', table, 'DATA_SHAPE', /1 rows are too few/);
  await refused('1,0\n1,0\n', table, 'DATA_SHAPE', /names column 2, the file has 0 to 1/);
  const { positiveAbove: _, ...classes } = table;
  await refused('1,0,2\n1,2,2\n', classes, 'DATA_SHAPE', /bad\.csv:2: expected a class from 0 to 1.*found 2/);
  await writeFile(join(folder, 'second.csv'), '1,0,2\n');
  await assert.rejects(loadTaskData(table, binary, folder), {
    code: 'BAD_DATA_FILE',
    message: /exactly one \.csv file/,
  });
  await assert.rejects(loadTaskData(table, binary, join(folder, 'absent')), { message: /ENOENT/ });
});

test('a table keeps signs, exponents and gaps', () => {
  const { values, rows, columns, lines } = parseCsv('+1.5,-2e-1\n\n.7,\n', 'inline');
  assert.deepEqual([rows, columns, [...lines]], [2, 2, [1, 3]]);
  assert.deepEqual([...values], [1.5, -0.2, 0.7, Number.NaN]);
});

test('a subset copies rows in the order asked for', () => {
  const all = new LabelledRows({
    features: 2,
    inputs: Uint8Array.of(1, 2, 3, 4, 5, 6),
    scale: 0.5,
    labels: Uint8Array.of(7, 8, 9),
  });
  const some = all.subset([2, 0]);
  assert.deepEqual(
    some,
    new LabelledRows({
      features: 2,
      inputs: Uint8Array.of(5, 6, 1, 2),
      scale: 0.5,
      labels: Uint8Array.of(9, 7),
    }),
  );
  some.inputs[0] = 99;
  assert.equal(all.inputs[4], 5);
  assert.throws(() => all.subset([3]), RangeError);
  assert.throws(() => new LabelledRows({ features: 2, inputs: all.inputs, scale: 1, labels: some.labels }), {
    name: 'RangeError',
    message: /2 labels need 4 values, not 6/,
  });
});
