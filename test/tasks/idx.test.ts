import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import {
  idxFileBytesMax,
  readIdxImages,
  readIdxLabels,
  writeIdxImages,
  writeIdxLabels,
} from '../../src/tasks/data/idx-images/idx-file.ts';
import { idxFiles } from '../../src/tasks/data/idx-images/idx-folder.ts';
import { mnistFolder } from '../../src/tasks/data/idx-images/mnist-folder.ts';
import { openPackedOrNot } from '../../src/tasks/data/idx-images/packed-file.ts';
import { DataFileError } from '../../src/tasks/datasets/data-error.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starlings-idx-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const refusal = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof DataFileError, String(error));
  assert.equal(error.code, 'BAD_DATA_FILE');
  assert.match(error.message, pattern);
  assert.ok(error.message.includes(folder), 'names the file');
  return true;
};

test('the MNIST files are the canonical ones', async () => {
  const canonical = {
    [idxFiles.trainImages]: 'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
    [idxFiles.trainLabels]: '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
    [idxFiles.heldOutImages]: '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
    [idxFiles.heldOutLabels]: 'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
  };
  for (const [name, hash] of Object.entries(canonical)) {
    const file = await openPackedOrNot(join(mnistFolder(), name), idxFileBytesMax);
    const bytes = new Uint8Array((await file.stat()).size);
    await file.read(bytes, 0, bytes.length, 0);
    await file.close();
    assert.equal(createHash('sha256').update(bytes).digest('hex'), hash, name);
  }
});

test('images and labels survive a round trip', async () => {
  const file = join(folder, 'round-trip');
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 5 }),
      ),
      fc.uint8Array({ minLength: 9 * 7 * 5, maxLength: 9 * 7 * 5 }),
      async ([count, rows, columns], bytes) => {
        const images = { count, rows, columns, pixels: bytes.slice(0, count * rows * columns) };
        await writeIdxImages(file, images);
        assert.deepEqual(await readIdxImages(file), images);
        await writeIdxLabels(file, images.pixels);
        assert.deepEqual(await readIdxLabels(file), images.pixels);
      },
    ),
    { numRuns: 30 },
  );
  assert.deepEqual(await readdir(folder), ['round-trip'], 'no temporary file stays');
});

test('a truncated, padded or lying file is one sentence', async () => {
  const file = join(folder, 'images');
  const images = { count: 3, rows: 2, columns: 2, pixels: new Uint8Array(12) };
  await writeIdxImages(file, images);
  const whole = await readFile(file);
  await truncate(file, 20);
  await assert.rejects(readIdxImages(file), refusal(/promises 3 x 2 x 2.*28 in all, found 20: .*truncated/));
  await truncate(file, 9);
  await assert.rejects(readIdxImages(file), refusal(/header of 16 bytes, found a file of 9/));
  await writeFile(file, Buffer.concat([whole, Buffer.alloc(1)]));
  await assert.rejects(readIdxImages(file), refusal(/found 29: the file is too long/));
  const bomb = Buffer.from(whole);
  bomb.fill(0xff, 4, 16);
  await writeFile(file, bomb);
  await assert.rejects(readIdxImages(file), refusal(/4294967295 x 4294967295 x 4294967295/));
  bomb.fill(0, 4, 8);
  await writeFile(file, bomb);
  await assert.rejects(readIdxImages(file), refusal(/at least one of images/));
});

test('a file packed by gzip reads like the file, which goes before it', async () => {
  const file = join(folder, 'packed');
  const images = { count: 3, rows: 2, columns: 2, pixels: Uint8Array.from({ length: 12 }, (_, at) => at) };
  await writeIdxImages(file, images);
  const packed = gzipSync(await readFile(file));
  await rename(file, `${file}-plain`);
  await writeFile(`${file}.gz`, packed);
  assert.deepEqual(await readIdxImages(file), images);
  await writeFile(`${file}.gz`, packed.subarray(0, -9));
  await assert.rejects(readIdxImages(file), refusal(/cannot be opened \(Z_BUF_ERROR\)/));
  await rename(`${file}-plain`, file);
  assert.deepEqual(await readIdxImages(file), images);
});

test('what unpacks to more than the bound is not unpacked', async () => {
  const file = join(folder, 'bomb');
  await writeFile(`${file}.gz`, gzipSync(new Uint8Array(100_000)));
  await assert.rejects(openPackedOrNot(file, 99_999), { code: 'ERR_BUFFER_TOO_LARGE' });
  const source = await openPackedOrNot(file, 100_000);
  assert.deepEqual(await source.stat(), { size: 100_000 });
});

test('the wrong kind of file is named', async () => {
  const file = join(folder, 'other');
  await writeIdxLabels(file, new Uint8Array(40));
  await assert.rejects(
    readIdxImages(file),
    refusal(/expected the magic number 0x00000803.*found 0x00000801/),
  );
  await writeFile(file, Buffer.from([0x1f, 0x8b, 8, 0, ...new Uint8Array(30)]));
  await assert.rejects(readIdxImages(file), refusal(/gzip: its name must end in \.gz/));
  await assert.rejects(
    readIdxImages(join(folder, 'absent')),
    refusal(/expected an IDX file of images, but there is no such file/),
  );
});
