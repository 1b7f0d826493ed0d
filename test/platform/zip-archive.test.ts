/** Archives of others: what holds of every entry, whoever reads them. What comes of it is in test/tasks and test/learning. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { openZip, unpacked, ZipError } from '../../src/platform/node/zip-archive.ts';
import { type WrittenEntry, zip } from './zip-writer.ts';

const folder = await mkdtemp(join(tmpdir(), 'starlings-zip-'));
after(() => rm(folder, { recursive: true, force: true }));

async function opened(entries: readonly WrittenEntry[]) {
  const file = join(folder, 'a.zip');
  await writeFile(file, zip(entries));
  return openZip(file);
}

const some = Buffer.from('what was packed, what was packed, what was packed');

describe('a ZIP archive', () => {
  test('has its entries in order, packed or not, and reads each as often as it is asked', async () => {
    const archive = await opened([
      { name: 'packed', bytes: some },
      { name: 'stored', bytes: some, stored: true },
      { name: 'empty', bytes: new Uint8Array(0) },
    ]);
    assert.deepEqual(
      archive.entries.map(({ name, size }) => [name, size]),
      [
        ['packed', some.length],
        ['stored', some.length],
        ['empty', 0],
      ],
    );
    for (const _ of [1, 2])
      for (const entry of archive.entries)
        assert.deepEqual(Buffer.from(await unpacked(entry)), entry.size === 0 ? Buffer.alloc(0) : some);
    archive.close();
  });

  for (const [what, claim, expected] of [
    [
      'more than any packing holds',
      { size: 2 ** 31 },
      /claims 2147483648 bytes packed into \d+, which no packing/,
    ],
    ['more than it holds', { size: some.length + 1 }, /not enough bytes/],
    ['less than it holds', { size: some.length - 1 }, /too many bytes/],
    ['another checksum', { crc: 7 }, /its checksum is another/],
  ] as const) {
    test(`is no good where an entry claims ${what}`, async () => {
      const archive = await opened([{ name: 'a', bytes: some, ...claim }]);
      await assert.rejects(
        unpacked(archive.entries[0]!),
        (error) => error instanceof ZipError && expected.test(error.message),
      );
      archive.close();
    });
  }

  test('with more entries than anything has is refused before they are read', async () => {
    const many = Array.from({ length: 1001 }, (_, at) => ({ name: `${at}`, bytes: new Uint8Array(0) }));
    await assert.rejects(opened(many), /^ZipError: 1001 files in it, expected at most 1000$/);
  });

  test('is refused in a short sentence, whatever its names are', async () => {
    const name = `/\x1b[2J\n${'a'.repeat(60_000)}`;
    await assert.rejects(
      opened([{ name, bytes: some }]),
      (error) => error instanceof ZipError && error.message.length < 200 && !/\p{Cc}/u.test(error.message),
    );
  });
});
