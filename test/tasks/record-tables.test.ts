/** Tables in JSON Lines and in Parquet say what the same table as CSV says, and what is wrong with one is a sentence. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { rngFor } from '../../src/math/rng.ts';
import { loadTaskData, taskKindOf } from '../../src/tasks/data/registry.ts';
import { openParquet } from '../../src/tasks/data/table/parquet-reading.ts';
import { table } from '../../src/tasks/data/table/table.ts';
import type { TableTask } from '../../src/tasks/data/table/table-schema.ts';
import { text } from '../../src/tasks/data/text/text.ts';
import { DataFileError } from '../../src/tasks/datasets/data-error.ts';
import type { ModelSpec } from '../../src/tasks/models/registry.ts';
import { parquetFiles } from './parquet-files.ts';

const folder = await mkdtemp(join(tmpdir(), 'starlings-records-'));
after(() => rm(folder, { recursive: true, force: true }));

const task: TableTask = {
  kind: 'table',
  numeric: [
    { column: 'age', mean: 25, scale: 5, missingIndicator: true },
    { column: 'visits', mean: 0, scale: 1 },
  ],
  categorical: [{ column: 'sex', values: ['f', 'm "x", y'] }],
  label: { column: 'sick' },
  heldOutEvery: 4,
};
const model: ModelSpec = { kind: 'logistic-regression', inputs: 5, outputs: 2 };

const rows = Array.from({ length: 12 }, (_, i) => ({
  age: i % 4 ? 20.5 + i : null,
  visits: i,
  sex: i % 3 ? 'f' : 'm "x", y',
  sick: i % 2 === 0,
  tags: [i],
}));
const csv = `age,visits,sex,sick\n${rows
  .map(
    ({ age, visits, sex, sick }) => `${age ?? ''},${visits},"${sex.replaceAll('"', '""')}",${sick ? 1 : 0}`,
  )
  .join('\n')}\n`;

async function written(name: string, content: string | Uint8Array): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, content);
  return file;
}

async function read(name: string, content: string | Uint8Array): Promise<unknown> {
  const { train, heldOut } = await loadTaskData(task, model, await written(name, content));
  const all = (part: typeof train) => part.batchOf(part.measuredExamples());
  return [all(train), all(heldOut)];
}

/** As the thread does. */
async function readHere(name: string, content: Uint8Array): Promise<void> {
  const { slices, close } = await openParquet(await written(name, content), null);
  try {
    for await (const { rows } of slices) assert.ok(rows > 0);
  } finally {
    await close();
  }
}

const expected = await read('site.csv', csv);
const jsonLines = (records: readonly object[]) => records.map((one) => JSON.stringify(one)).join('\n');

describe('a table of records', () => {
  test('in JSON Lines is what it is as CSV, with names in any order, missing or null, and blank lines', async () => {
    assert.deepEqual(await read('a.jsonl', jsonLines(rows)), expected);
    const other = rows.map(({ age, visits, sex, sick }) => ({
      more: { deep: 1 },
      ...{ sick: sick ? 1 : 0, sex, visits: String(visits) },
      ...(age === null ? {} : { age }),
    }));
    assert.deepEqual(
      await read('b.ndjson', `\uFEFF${jsonLines(other)}\n\n`.replaceAll('\n', '\r\n')),
      expected,
    );
  });

  for (const [codec, content] of Object.entries(parquetFiles)) {
    if (codec === 'lz4') continue;
    test(`in Parquet packed by ${codec} is what it is as CSV`, async () => {
      assert.deepEqual(await read(`${codec}.parquet`, Buffer.from(content, 'base64')), expected);
    });
  }

  test('is recognised, inspected and split as CSV is', async () => {
    const flat = rows.map(({ tags: _, ...one }) => one);
    const files = [
      await written('c.csv', csv),
      await written('c.jsonl', jsonLines(flat)),
      await written('c.parquet', Buffer.from(parquetFiles.snappy, 'base64')),
    ];
    const [ofCsv, ofJson, ofParquet] = await Promise.all(
      files.map((file) => table.recognise!(file, { label: 'sick' })),
    );
    assert.deepEqual(ofJson, ofCsv);
    assert.deepEqual({ ...ofParquet, label: null }, { ...ofCsv, label: null });
    for (const file of files) {
      const report = await taskKindOf(task).inspect!(task, file, model);
      assert.deepEqual(report.refused, []);
      assert.deepEqual(
        report.parts.map((part) => part.rows),
        [9, 3],
      );
    }
    const target = join(folder, 'share');
    const request = { targets: [target], classes: 2, alpha: 100, rng: rngFor('records') };
    await table.writeShares!(task, { ...request, source: files[2]! });
    const share = await loadTaskData(task, model, target);
    assert.equal(share.train.examples + share.heldOut.examples, 12);
    assert.match(await readFile(join(target, 'part.csv'), 'utf8'), /^"age","visits","sex","sick","tags"\n/);
    const whole = join(folder, 'one');
    await mkdir(whole);
    await writeFile(join(whole, 'd.parquet'), Buffer.from(parquetFiles.zstd, 'base64'));
    assert.equal((await loadTaskData(task, model, whole)).train.examples, 9);
  });

  test('is told from text by its first line', async () => {
    const flat = await written('flat.jsonl', jsonLines(rows));
    assert.equal(await text.recognise!(flat, {}), null);
    const chat = await written('chat.jsonl', jsonLines([{ prompt: 'a', completion: 'b' }]));
    assert.equal((await text.recognise!(chat, {}))!.kind, 'text');
  });
});

describe('a table of records is refused', () => {
  const refused = async (name: string, content: string | Uint8Array, sentence: RegExp) =>
    assert.rejects(
      read(name, content),
      (error) => error instanceof DataFileError && sentence.test(error.message),
    );

  test('with the line and what is wrong there', async () => {
    const lines = (at: number, line: string) => jsonLines(rows).split('\n').with(at, line).join('\n');
    await refused(
      'a.jsonl',
      lines(2, '{"age": 1'),
      /a\.jsonl:3: expected a JSON object .*found '\{"age": 1'/,
    );
    await refused('a.jsonl', lines(2, '[1, 2]'), /a\.jsonl:3: expected a JSON object/);
    const nested = JSON.stringify({ ...rows[2], age: [1, 2] });
    await refused(
      'a.jsonl',
      lines(2, nested),
      /a\.jsonl:3: expected one value in column 'age', found several/,
    );
    const broken = JSON.stringify({ ...rows[2], age: 'two\nlines' });
    await refused('a.jsonl', lines(2, broken), /a\.jsonl:3: expected a decimal number .* column 'age'/);
    // A text of several lines before it does not shift the number.
    const shifted = lines(1, JSON.stringify({ ...rows[1], note: 'x\ny\nz' }))
      .split('\n')
      .with(4, '7')
      .join('\n');
    await refused('a.jsonl', shifted, /a\.jsonl:5: expected a JSON object/);
    await refused('a.jsonl', '', /found none/);
    await refused('a.jsonl', `{"a": "${'x'.repeat(1 << 21)}`, /a line of more than 1048576 bytes/);
    const many = await taskKindOf(task).inspect!(task, await written('a.jsonl', lines(3, 'oops')), model);
    assert.deepEqual(
      many.refused.map(({ count }) => count),
      [1],
    );
  });

  test('as Parquet that is cut, changed, packed otherwise, or claims more than it may unpack', async () => {
    const whole = Buffer.from(parquetFiles.snappy, 'base64');
    await refused(
      'l.parquet',
      Buffer.from(parquetFiles.lz4, 'base64'),
      /cannot be read: .*unsupported compression codec: LZ4/,
    );
    for (const content of ['', 'PAR1', 'PAR1PAR1', whole.subarray(0, -1), whole.subarray(4)]) {
      await assert.rejects(read('c.parquet', content), DataFileError);
    }
    const long = Buffer.from(whole);
    long.writeUInt32LE(0x7fffffff, long.length - 8);
    await refused('c.parquet', long, /its description claims 2147483647 bytes of/);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const other = Buffer.from(whole);
        other[at] = other[at]! ^ change;
        await readHere('f.parquet', other).catch((error: Error) => {
          assert.ok(error instanceof DataFileError, `${at} ${error.stack}`);
          assert.ok(!error.message.includes('\n'));
        });
      }),
      { numRuns: 300, seed: 7 },
    );
  });
});
