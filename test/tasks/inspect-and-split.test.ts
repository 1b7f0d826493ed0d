/** What data says of itself, and its division among nodes, of every kind. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { rngFor } from '../../src/math/rng.ts';
import { cifarFiles } from '../../src/tasks/data/cifar-images/read-cifar-images.ts';
import { type DataReport, type LabelHints, majorityShare } from '../../src/tasks/data/data-report.ts';
import { writeIdxImages, writeIdxLabels } from '../../src/tasks/data/idx-images/idx-file.ts';
import { idxFiles } from '../../src/tasks/data/idx-images/idx-folder.ts';
import { loadTaskData, type TaskSpec, taskKindOf, taskKinds } from '../../src/tasks/data/registry.ts';
import type { TableTask } from '../../src/tasks/data/table/table-schema.ts';
import { DataShapeError } from '../../src/tasks/datasets/data-error.ts';
import type { ModelSpec } from '../../src/tasks/models/registry.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starlings-inspect-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function recognised(path: string, hints: LabelHints = {}): Promise<TaskSpec | null> {
  for (const { recognise } of taskKinds) {
    const task = await recognise?.(path, hints);
    if (task) return task;
  }
  return null;
}

async function inspected(path: string, hints: LabelHints = {}): Promise<DataReport> {
  const task = (await recognised(path, hints))!;
  return taskKindOf(task).inspect!(task, path, null);
}

const split = (task: TaskSpec, source: string, nodes: number) => {
  const targets = Array.from({ length: nodes }, (_, node) => join(source, '..', `shares-${node}`));
  const request = { source, targets, classes: null, alpha: 0.5, rng: rngFor('split') };
  return taskKindOf(task).writeShares!(task, request).then((sentence) => ({ targets, sentence }));
};

const made = async (name: string): Promise<string> => {
  const path = join(folder, name);
  await mkdir(path, { recursive: true });
  return path;
};

/** Two features, a label of 0 or 1 (a third of them), and a missing value in every seventh row. */
const row = (index: number) => `${index},${index % 7 === 0 ? 'NaN' : 2 * index},${index % 3 === 0 ? 1 : 0}`;
const table = (rows: number, end = '\n') =>
  Array.from({ length: rows }, (_, index) => row(index) + end).join('');

const told = ({ refused }: DataReport): string =>
  refused.flatMap(({ first }) => first.map((sentence) => sentence.replaceAll(`${folder}/`, ''))).join('\n');

describe('a table', () => {
  test('is understood without a run: its classes, the most frequent, what is missing', async () => {
    const file = join(await made('plain'), 'a.csv');
    await writeFile(file, table(30));
    const { table: found, ...report } = await inspected(file);
    assert.deepEqual(report, {
      files: [file],
      parts: [
        // Rows 5, 10, ... 30 (from 1) are held out: of rows 4, 9, 14, 19, 24, 29 (from 0) 9 and 24 are of class 1.
        { name: 'train', rows: 24, classes: [16, 8] },
        { name: 'held out', rows: 6, classes: [4, 2] },
      ],
      columns: 3,
      refused: [],
    });
    assert.deepEqual(
      found!.columns.map(({ column, kind, missing, range }) => [column, kind, missing, range]),
      [
        ['column 0', 'number', 0, [0, 29]],
        ['column 1', 'number', 5, [2, 58]],
        ['column 2', 'label', 0, null],
      ],
    );
    assert.equal(majorityShare([16, 8]), 2 / 3);
    assert.equal(majorityShare([0, 0]), null);
    const task = (await recognised(file)) as TableTask;
    assert.deepEqual(
      [task.header, task.label],
      [['column 0', 'column 1', 'column 2'], { column: 'column 2' }],
    );
    // Mean of 0..29, and the deviation of a uniform choice among them: sqrt((30^2 - 1) / 12).
    assert.deepEqual(task.numeric![0], { column: 'column 0', mean: 14.5, scale: 8.655 });
  });

  test('with names has them in the task: numbers, categories, and a label of words; other text is left out', async () => {
    const file = join(await made('named'), 'a.tsv');
    const rows = Array.from(
      { length: 90 },
      (_, at) => `${at}\t${at % 2 ? 'm' : 'f'}\tfree text ${at}\t${at % 3 ? 'no' : 'yes'}\t${at % 4}\n`,
    );
    await writeFile(file, `age\tsex\tnote\tsick\tward\n${rows.join('')}`);
    assert.deepEqual(await recognised(file, { label: 'sick' }), {
      kind: 'table',
      numeric: [
        { column: 'age', mean: 44.5, scale: 25.98 },
        { column: 'ward', mean: 1.478, scale: 1.118 },
      ],
      categorical: [{ column: 'sex', values: ['f', 'm'] }],
      label: { column: 'sick', classes: ['no', 'yes'] },
      heldOutEvery: 5,
    });
    const unnamed = join(await made('unnamed'), 'a.csv');
    await writeFile(unnamed, 'a,1,no\nb,2,yes\n');
    const header = ['place', 'size', 'sick'];
    assert.deepEqual((await recognised(unnamed, { header })) as TableTask, {
      kind: 'table',
      header,
      numeric: [{ column: 'size', mean: 1.5, scale: 0.5 }],
      categorical: [{ column: 'place', values: ['a', 'b'] }],
      label: { column: 'sick', classes: ['no', 'yes'] },
      heldOutEvery: 5,
    });
    await assert.rejects(
      recognised(file, { label: 'ill' }),
      /there is no column 'ill', only 'age', 'sex', 'note', 'sick', 'ward'/,
    );
  });

  test('is told apart from one that a node refuses, every reason with its first lines', async () => {
    const file = join(await made('bad'), 'bad.csv');
    await writeFile(file, 'age,pressure,sick\n1,2,0\n1,x,1\n3,4\n1,2,1.5\n2,3,1\n');
    assert.equal(
      told(await inspected(file)),
      [
        "bad/bad.csv:3: expected a decimal number or a missing value in column 'pressure', found 'x'",
        'bad/bad.csv:4: expected 3 fields, one a column, found 2',
        "bad/bad.csv:5: expected a class from 0 to 99 in column 'sick', found '1.5': a number becomes two classes by --positive-above (label.positiveAbove of a task), or is learned as one (label.kind: number)",
        'bad/bad.csv: 2 rows are too few to hold out every 5th: lower task.heldOutEvery or add rows',
      ].join('\n'),
    );
    // Two classes by a threshold: 1.5 is one of them then.
    assert.equal((await inspected(file, { positiveAbove: 1 })).refused.length, 3);
  });

  test('in another encoding than UTF-8 is refused, at the end of a chunk too, and so are JSON Lines', async () => {
    const path = await made('encoded');
    const chunk = 1 << 20;
    // The character that takes two bytes lies across the end of a chunk, at each of its places.
    for (const at of [chunk - 1, chunk, chunk + 1]) {
      const whole = `a,b\n${'1,x\n'.repeat(300_000)}`;
      const text = `${whole.slice(0, at - 1)}\u00e9${whole.slice(at)}`;
      await writeFile(join(path, 'good.csv'), text);
      assert.ok(!told(await inspected(join(path, 'good.csv'))).includes('UTF-8'));
      await writeFile(join(path, 'bad.csv'), text, 'latin1');
      await assert.rejects(
        inspected(join(path, 'bad.csv')),
        /bad\.csv: this text is not UTF-8: save it as UTF-8, or/,
      );
    }
    await writeFile(
      join(path, 'names.csv'),
      `gr\u00f6\u00dfe,y\n${'1,0\n2,1\n'.repeat(9)}caf\u00e9,1`,
      'latin1',
    );
    await assert.rejects(inspected(join(path, 'names.csv')), /not UTF-8.*iconv -f WINDOWS-1252 -t UTF-8$/);
    await writeFile(join(path, 'end.csv'), Buffer.concat([Buffer.from('a,y\n1,0\n2,'), Buffer.of(0xc3)]));
    await assert.rejects(inspected(join(path, 'end.csv')), /not UTF-8/);
    const task: TableTask = {
      kind: 'table',
      numeric: [{ column: 'y', mean: 0, scale: 1 }],
      label: { column: 'y' },
      heldOutEvery: 2,
    };
    assert.match(told(await taskKindOf(task).inspect!(task, join(path, 'names.csv'), null)), /not UTF-8/);
    const model: ModelSpec = { kind: 'logistic-regression', inputs: 1, outputs: 2 };
    await assert.rejects(loadTaskData(task, model, join(path, 'names.csv')), /not UTF-8/);
    await writeFile(join(path, 'a.jsonl'), '{"gr\u00f6\u00dfe":1,"y":0}\n'.repeat(9), 'latin1');
    await assert.rejects(inspected(join(path, 'a.jsonl')), /a\.jsonl: this text is not UTF-8/);
  });

  test('with names of its own that are not those of the task is told so', async () => {
    const file = join(await made('renamed'), 'a.csv');
    await writeFile(file, `alter,krank\n${'1,0\n2,1\n'.repeat(9)}`);
    const numeric = [{ column: 'age', mean: 0, scale: 1 }];
    const task: TableTask = {
      kind: 'table',
      header: ['age', 'sick'],
      numeric,
      label: { column: 'sick' },
      heldOutEvery: 5,
    };
    assert.match(
      told(await taskKindOf(task).inspect!(task, file, null)),
      /^renamed\/a\.csv:1: .* found 'alter': this row seems to have names of the columns, other ones than the task; rename/,
    );
    await writeFile(file, `1,0\nx,1\n${'2,1\n'.repeat(9)}`);
    assert.match(told(await taskKindOf(task).inspect!(task, file, null)), /a\.csv:2: .* found 'x'$/);
  });

  test('of which no row is understood: one reason with its first lines and how many there are', async () => {
    const file = join(await made('words'), 'words.csv');
    await writeFile(file, `a,b,c\n${'1,word\n'.repeat(5000)}`);
    const { refused, parts } = await inspected(file);
    assert.deepEqual(
      refused.map(({ count, first }) => [count, first.length]),
      [
        [5000, 3],
        [1, 1],
      ],
    );
    assert.deepEqual(
      parts.map(({ rows }) => rows),
      [0, 0],
    );
  });

  test('is split by label: every row as it stands, at one node, in a file that a node takes', async () => {
    const file = join(await made('split'), 'whole.csv');
    await writeFile(file, table(200, '\r\n'));
    const task = (await recognised(file))!;
    const { targets, sentence } = await split(task, file, 3);
    const parts = await Promise.all(targets.map((target) => readFile(join(target, 'part.csv'), 'utf8')));
    const rows = parts.map((part) => part.trimEnd().split('\n'));
    assert.deepEqual(
      rows.flat().toSorted(),
      Array.from({ length: 200 }, (_, index) => row(index)).toSorted(),
    );
    const counts = rows.map(({ length }) => length).join(', ');
    assert.equal(sentence, `rows split by label over 3 nodes (Dirichlet 0.5): ${counts} rows`);
    const shareOfOnes = rows.map((own) => own.filter((one) => one.endsWith(',1')).length / own.length);
    assert.ok(Math.max(...shareOfOnes) - Math.min(...shareOfOnes) > 0.2, shareOfOnes.join());
    const model: ModelSpec = { kind: 'logistic-regression', inputs: 2, outputs: 2 };
    for (const target of targets) await loadTaskData(task, model, target);
    await assert.rejects(split(task, file, 40), DataShapeError);
  });

  test('with a row of names gives it to every share', async () => {
    const file = join(await made('split-names'), 'whole.csv');
    await writeFile(file, `\uFEFF"a";b;"c;d"\r\n${table(60, '\r\n').replaceAll(',', ';')}`);
    const task = (await recognised(file))!;
    const { targets } = await split(task, file, 2);
    const parts = await Promise.all(targets.map((target) => readFile(join(target, 'part.csv'), 'utf8')));
    for (const part of parts) assert.ok(part.startsWith('"a";b;"c;d"\n'), part.slice(0, 40));
    assert.equal(parts.join('').split('\n').length, 60 + 2 + 1);
    const model: ModelSpec = { kind: 'logistic-regression', inputs: 2, outputs: 2 };
    for (const target of targets) await loadTaskData(task, model, target);
  });
});

describe('images', () => {
  const images = async (name: string, labels: Uint8Array): Promise<string> => {
    const path = await made(name);
    const count = labels.length;
    const pixels = Uint8Array.from({ length: count * 4 }, (_, index) => index % 251);
    for (const [imagesFile, labelsFile] of [
      [idxFiles.trainImages, idxFiles.trainLabels],
      [idxFiles.heldOutImages, idxFiles.heldOutLabels],
    ] as const) {
      await writeIdxImages(join(path, imagesFile), { count, rows: 2, columns: 2, pixels });
      await writeIdxLabels(join(path, labelsFile), labels);
    }
    return path;
  };

  test('of IDX files are counted by class; a pair that is broken is refused and the other counted', async () => {
    const path = await images('idx', Uint8Array.of(0, 2, 2, 1));
    const { parts, columns, refused } = await inspected(path);
    assert.deepEqual(parts, [
      { name: 'train', rows: 4, classes: [1, 1, 2] },
      { name: 'held out', rows: 4, classes: [1, 1, 2] },
    ]);
    assert.deepEqual([columns, refused], [4, []]);
    await writeIdxLabels(join(path, idxFiles.trainLabels), Uint8Array.of(0, 1));
    const broken = await inspected(path);
    assert.deepEqual(
      broken.parts.map(({ name }) => name),
      ['held out'],
    );
    assert.match(told(broken), /train-labels-idx1-ubyte: expected 4 labels, one per image, found 2$/);
  });

  test('of CIFAR-10 are counted and split in six files a node, each image at one node', async () => {
    const path = await made('cifar');
    const record = (label: number, mark: number): Buffer => {
      const bytes = Buffer.alloc(3073, mark);
      bytes[0] = label;
      return bytes;
    };
    for (const [file, name] of cifarFiles.train.entries()) {
      const records = Array.from({ length: 12 }, (_, index) => record(index % 3, 12 * file + index));
      await writeFile(join(path, name), Buffer.concat(records));
    }
    await writeFile(join(path, cifarFiles.heldOut[0]!), Buffer.concat([record(2, 0), record(2, 1)]));
    const { parts, columns, files } = await inspected(path);
    assert.deepEqual(parts, [
      { name: 'train', rows: 60, classes: [20, 20, 20] },
      { name: 'held out', rows: 2, classes: [0, 0, 2] },
    ]);
    assert.deepEqual([columns, files.length], [3072, 6]);
    const task = (await recognised(path))!;
    const { targets } = await split(task, path, 3);
    const model: ModelSpec = { kind: 'logistic-regression', inputs: 3072, outputs: 10 };
    const marks: number[] = [];
    for (const target of targets) {
      const { train, heldOut } = await loadTaskData(task, model, target);
      assert.equal(heldOut.examples, 2);
      const { inputs } = train.batchOf(train.measuredExamples());
      for (let at = 0; at < inputs.length; at += 3072) marks.push(Math.round(inputs[at]! * 255));
    }
    assert.deepEqual(
      marks.toSorted((a, b) => a - b),
      Array.from({ length: 60 }, (_, index) => index),
    );
    await assert.rejects(
      taskKindOf(task).writeShares!(task, {
        source: path,
        targets: [path],
        classes: null,
        alpha: 1,
        rng: rngFor('itself'),
      }),
      /cannot be its own share/,
    );
    await rm(join(path, cifarFiles.train[1]!));
    assert.match(told(await inspected(path)), /data_batch_2\.bin: expected a file of CIFAR-10/);
  });
});

describe('text', () => {
  test('is what ends in .txt, and counted in bytes', async () => {
    const path = await made('text');
    await writeFile(join(path, 'a.txt'), 'x'.repeat(100));
    await writeFile(join(path, 'b.txt'), 'y'.repeat(50));
    for (const [place, train, heldOut] of [
      [path, 135, 15],
      [join(path, 'b.txt'), 45, 5],
    ] as const) {
      const { parts, refused } = await inspected(place);
      assert.deepEqual(
        parts.map(({ rows, classes }) => [rows, classes]),
        [
          [train, null],
          [heldOut, null],
        ],
      );
      assert.deepEqual(refused, []);
    }
    await writeFile(join(await made('nothing'), 'a.bin'), 'x');
    assert.equal(await recognised(join(folder, 'nothing')), null);
    assert.equal(await recognised(join(folder, 'nothing/a.bin')), null);
  });
});
