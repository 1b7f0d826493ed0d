/** Tables as people have them: how they are written, what becomes of their columns, and what is refused with which words. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { csvLine } from '../../src/core/csv-line.ts';
import { rngFor } from '../../src/math/rng.ts';
import { loadTaskData, taskKindOf } from '../../src/tasks/data/registry.ts';
import { type CsvRow, CsvScanner, columnsMax, textOf } from '../../src/tasks/data/table/csv-scanner.ts';
import { NumberReader } from '../../src/tasks/data/table/field-values.ts';
import type { TableTask } from '../../src/tasks/data/table/table-schema.ts';
import { impossibleTask } from '../../src/tasks/impossible-task.ts';
import type { ModelSpec } from '../../src/tasks/models/registry.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starlings-table-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const named: TableTask = {
  kind: 'table',
  numeric: [{ column: 'age', mean: 50, scale: 10, missingIndicator: true }],
  categorical: [{ column: 'sex', values: ['female', 'male'] }],
  label: { column: 'sick', classes: ['no', 'yes'] },
  heldOutEvery: 2,
};
const model: ModelSpec = { kind: 'logistic-regression', inputs: 4, outputs: 2 };

async function written(content: string | Uint8Array, name = 'site.csv'): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, content);
  return file;
}

/** Inputs and labels of all rows, the held-out ones in their places. */
async function read(content: string | Uint8Array, task = named): Promise<[number[][], number[]]> {
  const data = await loadTaskData(task, model, await written(content));
  const inputs: number[][] = [];
  const labels: number[] = [];
  for (let row = 0; row < data.train.examples + data.heldOut.examples; row++) {
    const part = row % 2 === 1 ? data.heldOut : data.train;
    const batch = part.batchOf([row >> 1]);
    inputs.push([...batch.inputs]);
    labels.push(batch.labels[0]!);
  }
  return [inputs, labels];
}

const patients: readonly number[][] = [
  [1.5, 0, 0, 1],
  [0, 1, 1, 0],
];
const plain = 'age,sex,sick\n65,male,yes\n,female,no\n';

describe('a table', () => {
  const writings: readonly (readonly [how: string, content: string])[] = [
    ['with commas', plain],
    ['without an end of the last line', plain.trimEnd()],
    ['with its columns in another order, and others', 'id,sick,sex,age\n1,yes,male,65\n2,no,female,NA\n'],
    ['with semicolons and decimal commas', 'age;sex;sick;h\n65,0;male;yes;1,5\n;female;no;1,75\n'],
    ['with tabs', plain.replaceAll(',', '\t')],
    ['with bars', plain.replaceAll(',', '|')],
    ['with a byte order mark and CRLF', `\uFEFF${plain.replaceAll('\n', '\r\n')}`],
    ['with everything quoted', '"age","sex","sick"\n"65","male","yes"\n"","female","no"\n'],
    [
      'with commas, quotes and lines within fields',
      'age,"a ""b"", c",sex,sick\n65,"x\ny, ""z""",male,yes\n?,,female,no\n',
    ],
    ['with spaces around and blank lines', 'age , sex, sick\n\n 65 , male ,"yes" \n\r\n - ,female, no\n\n'],
    ...['N/A', 'NaN', 'nan', 'null', '?', '-'].map(
      (word) => [`with ${word} for what is missing`, plain.replace('\n,', `\n${word},`)] as const,
    ),
  ];
  for (const [how, content] of writings) {
    test(`${how} is read`, async () => assert.deepEqual(await read(content), [patients, [1, 0]]));
  }

  test('without names has those of the task; with them they count', async () => {
    const task = { ...named, header: ['sick', 'age', 'sex'] };
    assert.deepEqual(await read('yes,65,male\nno,NaN,female\n', task), [patients, [1, 0]]);
    assert.deepEqual(await read(plain, task), [patients, [1, 0]]);
  });

  test('has categories that are numbers however they are written, and a place for others where the task says so', async () => {
    const task: TableTask = {
      ...named,
      numeric: [],
      categorical: [{ column: 'pain', values: ['1', '2'], unknown: 'other', missingIndicator: true }],
      label: { column: 'sick', positiveAbove: 0 },
    };
    const [inputs, labels] = await read('pain,sick\n1.0,0\n2,3\n7,-1\nNA,0.5\n', task);
    assert.deepEqual(inputs, [
      [1, 0, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 1],
    ]);
    assert.deepEqual(labels, [0, 1, 0, 1]);
  });

  test('has labels by name, or by number where no name is one', async () => {
    assert.deepEqual((await read('age,sex,sick\n1,male,1\n1,male,no\n'))[1], [1, 0]);
    const numbered: TableTask = { ...named, label: { column: 'sick', classes: ['1', '2'] } };
    assert.deepEqual((await read('age,sex,sick\n1,male,2\n1,male,1.0\n', numbered))[1], [1, 0]);
    await assert.rejects(
      read('age,sex,sick\n1,male,0\n1,male,1\n', numbered),
      /expected a class of '1', '2' in/,
    );
  });

  test('of a name that cannot be shown in ASCII goes by its characters', async () => {
    const task: TableTask = {
      ...named,
      categorical: [{ column: 'Größe', values: ['groß', 'klein'] }],
    };
    const [inputs] = await read('age;Größe;sick\n50;klein;no\n50;groß;no\n', task);
    assert.deepEqual(inputs, [
      [0, 0, 0, 1],
      [0, 0, 1, 0],
    ]);
  });

  test('to predict is raw: categories as 0 and 1, what is missing as NaN, without a label', async () => {
    const file = await written('sex,age\nmale,65\nfemale,\n', 'new.csv');
    const { values, columns } = await taskKindOf(named).readRows!(named, file);
    assert.deepEqual([columns, [...Array.from(values)]], [4, [65, 0, 0, 1, Number.NaN, 1, 1, 0]]);
    assert.deepEqual(taskKindOf(named).names!(named).features, [
      'age',
      'age missing',
      'sex=female',
      'sex=male',
    ]);
  });
});

describe('what is no such table is refused in one sentence that says what to do', () => {
  const utf16 = Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(plain, 'utf16le')]);
  const cases: readonly (readonly [what: string, content: string | Uint8Array, message: RegExp])[] = [
    ['an empty file', '', /there is nothing in it, expected a table with a row a line$/],
    ['a file of blank lines', '\uFEFF\n \n', /there is nothing in it/],
    ['UTF-16 with its mark', utf16, /this is text in UTF-16: save it as CSV in UTF-8$/],
    ['UTF-16 without', utf16.subarray(2), /NUL bytes.* if it is text in UTF-16, save it as CSV in UTF-8$/],
    ['a workbook', Buffer.from('PK\u0003\u0004abc'), /a workbook.*: save the sheet as CSV in UTF-8$/],
    [
      'NUL bytes further on',
      `${plain.repeat(1)}${'1,male,no\n'.repeat(300)}1,\0,no\n`,
      /:304: a NUL byte, .*export the table again/,
    ],
    [
      'a quote never closed',
      `${plain}65,"male,yes\n${plain}`,
      /:4: a quote that opens in this row is never closed; close it, or double it/,
    ],
    [
      'a quote closed too early',
      'age,sex,sick\n65,"ma"le,yes\n',
      /:2: a quoted field goes on after its closing quote: quotes within one are doubled$/,
    ],
    ['a ragged row', `${plain}65,male\n`, /:4: expected 3 fields, one a column, found 2$/],
    [
      'a word for a number',
      `${plain}old,male,no\n`,
      /:4: expected a decimal number or a missing value in column 'age', found 'old'$/,
    ],
    ['a number that is none to everybody', `${plain}0x10,male,no\n`, /:4: .*'age', found '0x10'$/],
    ['a number beyond all bounds', `${plain}1e999,male,no\n`, /:4: .*'age', found '1e999'$/],
    [
      'points between thousands',
      'age;sex;sick\n1,5;male;no\n1.234;male;no\n',
      /:3: .*with a decimal comma, as this file has them, .*found '1\.234'$/,
    ],
    [
      'an unknown category',
      `${plain}6,x,no\n`,
      /:4: expected one of 'female', 'male' in column 'sex', found 'x'$/,
    ],
    [
      'a missing label',
      `${plain}6,male,\n`,
      /:4: expected a class of 'no', 'yes', or its number in column 'sick', found none$/,
    ],
    ['another label', `${plain}6,male,2\n`, /:4: expected a class of .*found '2'$/],
    [
      'a column too few',
      'age,sex\n1,male\n1,male\n',
      /there is no column 'sick', only 'age', 'sex': check that it is the right file, .* --header, or /,
    ],
    ['a name twice', 'age,age,sex,sick\n1,1,male,no\n', /:1: two columns are called 'age', .* --header, or /],
    ['too few rows', 'age,sex,sick\n1,male,no\n', /1 row is too few to hold out every 2th/],
    [
      'ten million columns',
      'a,'.repeat(10_000_000),
      /:1: more than 16384 columns; keep those that the run names$/,
    ],
    [
      'one endless line',
      plain + 'a'.repeat(3 << 20),
      /a row of more than 1048576 bytes; .*check that it is the right file$/,
    ],
  ];
  for (const [what, content, message] of cases) {
    test(what, async () => {
      await assert.rejects(read(content), (error: Error) => {
        assert.match(error.message, message);
        assert.ok(!error.message.includes('\n') && error.message.length < 400, error.message);
        return ['DataFileError', 'DataShapeError'].includes(error.name);
      });
      // What is checked before is refused in the same words.
      const { refused } = await taskKindOf(named).inspect!(named, join(folder, 'site.csv'), model);
      assert.ok(refused.some(({ first }) => first.some((sentence) => message.test(sentence))));
    });
  }

  test('a path that is not there, a folder of two tables', async () => {
    await assert.rejects(
      loadTaskData(named, model, join(folder, 'absent')),
      /absent does not exist; check the path of the data/,
    );
    await written(plain, 'second.csv');
    await written(plain);
    await assert.rejects(
      loadTaskData(named, model, folder),
      /exactly one \.csv, \.tsv, \.jsonl or \.parquet file, found [23]/,
    );
  });
});

test('a check shows columns, categories and rows as the model sees them', async () => {
  const file = await written('id,age,sex,sick\n1,65,male,yes\n2,,female,no\n3,30,x,no\n');
  const { table, refused, parts } = await taskKindOf(named).inspect!(named, file, model);
  assert.deepEqual(table, {
    format: 'fields between commas, names in the first row',
    columns: [
      {
        column: 'age',
        kind: 'number',
        missing: 1,
        range: [65, 65],
        values: null,
        inputs: ['age', 'age missing'],
      },
      {
        column: 'sex',
        kind: 'category',
        missing: 0,
        range: null,
        values: [
          { value: 'female', count: 1 },
          { value: 'male', count: 1 },
        ],
        inputs: ['sex=female', 'sex=male'],
      },
      { column: 'sick', kind: 'label', missing: 0, range: null, values: null, inputs: [] },
      { column: 'id', kind: 'unused', missing: 0, range: null, values: null, inputs: [] },
    ],
    preview: [
      { line: 2, raw: ['65', 'male', 'yes'], inputs: [1.5, 0, 0, 1], label: 1 },
      { line: 3, raw: ['', 'female', 'no'], inputs: [0, 1, 1, 0], label: 0 },
    ],
  });
  assert.deepEqual(
    refused.map(({ reason, count }) => [reason, count]),
    [['category sex', 1]],
  );
  assert.deepEqual(
    parts.map(({ classes }) => classes),
    [
      [0, 1],
      [1, 0],
    ],
  );
});

describe('properties', () => {
  const cell = fc.string({ unit: 'grapheme', maxLength: 6 }).map((text) => text.replaceAll('\0', '').trim());

  test('what csvLine writes is read again, wherever chunks end', () => {
    const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(table, fc.integer({ min: 1, max: 9 }), (rows, chunk) => {
        const bytes = Buffer.from(`${rows.map((row) => csvLine(row)).join('\n')}\n`);
        const found: string[][] = [];
        const scanner = new CsvScanner('x', ',', (row, why) => {
          assert.equal(why, null);
          found.push(Array.from({ length: row.count }, (_, field) => textOf(row, field)));
        });
        for (let at = 0; at < bytes.length; at += chunk) scanner.push(bytes.subarray(at, at + chunk));
        scanner.end();
        assert.deepEqual(found, rows);
      }),
    );
  });

  test('what is no number does not decide on the decimal sign', () => {
    const bytes = Buffer.from('1,2 mg1.5');
    const rowOf = (from: number, to: number): CsvRow => ({
      ...{ bytes, line: 1, from, to, count: 1, starts: Int32Array.of(from), ends: Int32Array.of(to) },
    });
    const numbers = new NumberReader(';');
    assert.ok(Number.isNaN(numbers.read(rowOf(0, 6), 0)));
    assert.equal(numbers.read(rowOf(6, 9), 0), 1.5);
    assert.ok(Number.isNaN(numbers.read(rowOf(0, 3), 0)), 'the point was first');
  });

  test('numbers are read as Number reads them, bit for bit', () => {
    const rowOf = (text: string): CsvRow => {
      const bytes = Buffer.from(text);
      const ends = Int32Array.of(bytes.length);
      return { bytes, line: 1, from: 0, to: bytes.length, count: 1, starts: Int32Array.of(0), ends };
    };
    const texts = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
      fc.tuple(fc.integer(), fc.nat(), fc.nat(20)).map(([a, b, zeros]) => `${a}.${'0'.repeat(zeros)}${b}`),
      fc.tuple(fc.constantFrom('', '+', '-'), fc.nat()).map(([sign, value]) => `${sign}.${value}`),
    );
    fc.assert(
      fc.property(texts, (text) => {
        assert.equal(new NumberReader(',').read(rowOf(text), 0), Number(text), text);
        assert.equal(new NumberReader(';').read(rowOf(text.replace('.', ',')), 0), Number(text), text);
      }),
    );
    for (const text of ['', '+', '.', '1.2.3', '1e', 'e1', '0x1', 'Infinity', '1 2', '1,5']) {
      assert.ok(Number.isNaN(new NumberReader(',').read(rowOf(text), 0)), text);
    }
  });
});

test('as many columns as there may be are read, one more is not', () => {
  const wide = (columns: number) => {
    let count = 0;
    const scanner = new CsvScanner('x', ',', (row) => {
      count = row.count;
    });
    scanner.push(Buffer.from(`${','.repeat(columns - 1)}\n`));
    return count;
  };
  assert.equal(wide(columnsMax), columnsMax);
  assert.throws(() => wide(columnsMax + 1), /more than 16384 columns/);
});

describe('what is to be learned of a table', () => {
  const of = (label: TableTask['label']): TableTask => ({
    kind: 'table',
    numeric: [{ column: 'age', mean: 50, scale: 10 }],
    label,
    heldOutEvery: 2,
  });
  const one = (outputs: number): ModelSpec => ({ kind: 'logistic-regression', inputs: 1, outputs });
  const pressure = of({ kind: 'number', column: 'pressure', mean: 130, scale: 20, unit: 'mmHg' });
  const several = of({ kind: 'labels', columns: ['asthma', 'gout'], values: ['no', 'yes'] });

  test('is a number, standardised', async () => {
    const file = await written('pressure,age\n150,50\n110.5,60\n');
    const { train, heldOut } = await loadTaskData(pressure, one(1), file);
    assert.deepEqual([...train.batchOf([0]).labels], [1]);
    assert.deepEqual([...heldOut.batchOf([0]).labels], [Math.fround(-19.5 / 20)]);
    assert.ok(train.batchOf([0]).labels instanceof Float32Array);
    await assert.rejects(
      loadTaskData(pressure, one(1), await written('pressure,age\n?,50\n110,60\n')),
      /site\.csv:2: expected a label that is a number in column 'pressure', found none/,
    );
  });

  test('is any number of labels', async () => {
    const { train, heldOut } = await loadTaskData(
      several,
      one(2),
      await written('gout,age,asthma\nyes,50,no\nyes,60,yes\n'),
    );
    assert.deepEqual([...train.batchOf([0]).labels, ...heldOut.batchOf([0]).labels], [0, 1, 1, 1]);
    const numbered = of({ kind: 'labels', columns: ['asthma', 'gout'] });
    const data = await loadTaskData(numbered, one(2), await written('gout,age,asthma\n1,50,0\n1.0,60,1\n'));
    assert.deepEqual([...data.train.batchOf([0]).labels], [0, 1]);
    await assert.rejects(
      loadTaskData(several, one(2), await written('gout,age,asthma\nyes,50,perhaps\nyes,60,yes\n')),
      /site\.csv:2: expected one of 'no', 'yes' in column 'asthma', found 'perhaps'/,
    );
  });

  test('must be what the model gives', () => {
    const text = (task: TableTask, outputs: number) => impossibleTask(task, one(outputs))?.message;
    assert.equal(text(pressure, 2), 'must be 1: what the task asks for');
    assert.equal(text(pressure, 1), undefined);
    assert.equal(text(several, 3), 'must be 2: what the task asks for');
    assert.equal(text(of({ column: 'sick' }), 1), 'must be at least 2: one for each class');
    assert.equal(text(of({ kind: 'labels', columns: ['age', 'gout'] }), 2), "must use the column 'age' once");
  });

  test('is told by data inspect: how far a number goes, how often a label holds, and a guess at the task', async () => {
    const lines = Array.from({ length: 200 }, (_, row) => `${20 + row / 4},${100 + row / 2}`);
    const file = await written(`age,pressure\n${lines.join('\n')}\n`);
    const task = (await taskKindOf(pressure).recognise!(file, {})) as TableTask;
    assert.deepEqual(task.label, { kind: 'number', column: 'pressure', mean: 149.8, scale: 28.87 });
    const report = await taskKindOf(task).inspect!(task, file, null);
    assert.deepEqual(report.refused, []);
    assert.deepEqual(report.table!.columns.at(-1)!.range, [100, 199.5]);
    assert.deepEqual(
      report.parts.map(({ rows, classes }) => [rows, classes]),
      [
        [160, null],
        [40, null],
      ],
    );
    const labelled = await written('gout,age,asthma\nyes,50,no\nyes,60,yes\n', 'labelled.csv');
    const { table, refused } = await taskKindOf(several).inspect!(several, labelled, null);
    assert.deepEqual(refused, []);
    assert.deepEqual(
      table!.columns
        .filter(({ kind }) => kind === 'label')
        .map(({ values }) => values!.map(({ count }) => count)),
      [
        [1, 1],
        [0, 2],
      ],
    );
  });

  test('decides how rows are split: by tenths of a number, by the first label that holds', async () => {
    const lines = Array.from(
      { length: 400 },
      (_, row) => `${row},${row % 2},${row % 3 === 0 ? 1 : 0},${row}`,
    );
    const file = await written(`age,asthma,gout,pressure\n${lines.join('\n')}\n`);
    const labelled = of({ kind: 'labels', columns: ['asthma', 'gout'] });
    for (const [task, spread] of [
      [pressure, (rows: number[][]) => mean(rows.map((row) => row[3]!))],
      [labelled, (rows: number[][]) => mean(rows.map((row) => row[1]!))],
    ] as const) {
      const targets = [join(folder, 'a'), join(folder, 'b')];
      const rng = rngFor('split-of-answers');
      const request = { source: file, targets, classes: null, alpha: 0.1, rng };
      await taskKindOf(task).writeShares!(task, request);
      const shares = await Promise.all(
        targets.map(async (target) => {
          const [, ...rows] = (await readFile(join(target, 'part.csv'), 'utf8')).trim().split('\n');
          return rows.map((row) => row.split(',').map(Number));
        }),
      );
      assert.equal(shares.flat().length, 400);
      const [a, b] = shares.map((rows) => spread(rows));
      assert.ok(Math.abs(a! - b!) > 0.15 * Math.max(a!, b!), `${a} and ${b}`);
    }
  });

  test('is mirrored where labels are flipped', async () => {
    const numbers = await loadTaskData(pressure, one(1), await written('pressure,age\n150,50\n110,60\n'));
    const never = (): never => assert.fail('there are no classes');
    assert.deepEqual([...numbers.train.relabelled(never).batchOf([0]).labels], [-1]);
    const { train } = await loadTaskData(
      several,
      one(2),
      await written('gout,age,asthma\nyes,50,no\nyes,60,yes\n'),
    );
    assert.deepEqual([...train.relabelled(never).batchOf([0]).labels], [1, 0]);
  });
});

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
