/** A Parquet file says of itself what it likes: what takes more time or memory than there is for a table is a sentence, and the process goes on. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readParquet } from '../../src/tasks/data/table/parquet-file.ts';
import { parquetBombs } from './parquet-bombs.ts';

const folder = await mkdtemp(join(tmpdir(), 'starlings-parquet-'));
after(() => rm(folder, { recursive: true, force: true }));

const small = { answerMsMax: 60_000, growthBytesMax: 2 ** 29 };

async function read(name: keyof typeof parquetBombs, limits = small): Promise<unknown[]> {
  const file = join(folder, `${name}.parquet`);
  await writeFile(file, parquetBombs[name]);
  const values: unknown[] = [];
  await readParquet(
    file,
    null,
    async ({ rows }) => {
      for await (const { record } of rows) values.push(record?.['x']);
    },
    limits,
  );
  return values;
}

test('what these files are made of is read where it does not lie', async () => {
  assert.deepEqual(await read('harmless'), [...new Array(10).fill(0), ...new Array(10).fill(1)]);
});

test('more rows than so few bytes can be are refused before any is read', async () => {
  await assert.rejects(read('rows'), /claims 16777216 rows in \d+ bytes/);
  await assert.rejects(read('groups'), /claims 104857600 rows in \d+ bytes/);
});

test('pages that claim or make more values than there is memory for end with a sentence', async () => {
  await assert.rejects(read('values'), /cannot be read/);
  await assert.rejects(read('run'), /cannot be read/);
  await assert.rejects(read('prefixes'), /too much memory/);
});

test('a page that is never at its end is given up, while others are heard', async () => {
  let turns = 0;
  const turning = setInterval(() => turns++, 10);
  await assert.rejects(read('endless', { ...small, answerMsMax: 1000 }), /longer than 1 s/);
  clearInterval(turning);
  assert.ok(turns > 10, `${turns} turns`);
});
