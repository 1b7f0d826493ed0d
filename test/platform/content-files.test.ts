import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import {
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { segmentBytesMax } from '../../src/content/blob.ts';
import type { ContentStore } from '../../src/content/content-store.ts';
import { openContentFiles } from '../../src/platform/node/content-files.ts';
import { createCrypto } from '../../src/platform/node/crypto.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';
import { type ContentPlace, contentStoreContract } from '../content/content-store-contract.ts';
import { eventually } from '../network/real-hosts.ts';

const large = 1 << 30;
const crypto = createCrypto();

const openAt = (directory: string, bytesMax = large): Promise<ContentStore> =>
  openContentFiles({ directory, bytesMax, crypto, nowMs: wallClock.nowMs });

async function filesPlace(): Promise<ContentPlace> {
  const folder = await mkdtemp(join(tmpdir(), 'starlings-content-'));
  return {
    open: (bytesMax) => openAt(join(folder, 'content'), bytesMax),
    remove: () => rm(folder, { recursive: true }),
  };
}

contentStoreContract('a folder of files', filesPlace);

async function folderFor(t: { after(act: () => Promise<void>): void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'starlings-content-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

const blob = new Uint8Array(2 * segmentBytesMax + 100).map((_, index) => index % 251);

/** What may happen to a file on a disk, each to a new one, while the store is open. */
const damages: Readonly<Record<string, (file: string) => Promise<void>>> = {
  'a byte of its second segment changed': (file) => overwrite(file, -segmentBytesMax),
  'a byte of its leaves changed': (file) => overwrite(file, 20),
  'its head changed': (file) => overwrite(file, 0),
  'its length changed': (file) => overwrite(file, 15),
  'its end was cut off': async (file) => truncate(file, (await lstat(file)).size - 1),
  'nothing of it is left': (file) => truncate(file, 0),
  'it was deleted': (file) => rm(file),
};

async function overwrite(file: string, at: number): Promise<void> {
  const handle = await open(file, constants.O_RDWR);
  const position = at < 0 ? (await handle.stat()).size + at : at;
  const { buffer } = await handle.read(new Uint8Array(1), 0, 1, position);
  await handle.write(Uint8Array.of(buffer[0]! ^ 1), 0, 1, position);
  await handle.close();
}

for (const [what, damage] of Object.entries(damages)) {
  test(`a blob of which ${what} is not held, and can be put in again`, async (t) => {
    const folder = await folderFor(t);
    const root = await (await openAt(folder)).put(blob);
    const store = await openAt(folder);
    await damage(join(folder, root));
    assert.ok((await store.segment(root, 1)) === null);
    assert.ok(!store.has(root));
    assert.equal(store.usage().bytes, 0);
    assert.equal(await store.put(blob), root);
    assert.equal(
      Buffer.compare((await store.segment(root, 1))!, blob.subarray(segmentBytesMax, 2 * segmentBytesMax)),
      0,
    );
    // The file that replaced the damaged one outlives its deletion.
    await store.put(Uint8Array.of(1));
    assert.ok(store.has(root) && (await (await openAt(folder)).leaves(root)) !== null);
  });
}

test('files that are not whole, and what a crash left, are gone after a start', async (t) => {
  const folder = await folderFor(t);
  const first = await openAt(folder);
  const [whole, cut] = [await first.put(blob), await first.put(blob.subarray(1))];
  await truncate(join(folder, cut), 1000);
  await writeFile(join(folder, `${cut}.123-4.tmp`), 'half a blob');
  const store = await openAt(folder);
  assert.deepEqual([store.has(whole), store.has(cut), store.usage().blobs], [true, false, 1]);
  assert.deepEqual(await readdir(folder), [whole]);
});

test('links, folders and files of others are neither followed nor counted nor deleted', async (t) => {
  const folder = await folderFor(t);
  const [content, elsewhere] = [join(folder, 'content'), join(folder, 'elsewhere')];
  const root = await (await openAt(elsewhere)).put(blob);
  const [other, third] = ['a'.repeat(64), 'b'.repeat(64)];
  await mkdir(content);
  await symlink(join(elsewhere, root), join(content, root));
  await mkdir(join(content, other));
  await symlink('/nowhere', join(content, `${third}.1-1.tmp`));
  await writeFile(join(content, 'notes.txt'), 'mine');
  const before = (await readdir(content)).sort();
  const store = await openAt(content, 1);
  assert.equal(store.usage().bytes, 0);
  assert.ok((await store.segment(root, 0)) === null);
  assert.deepEqual((await readdir(content)).sort(), before);
  assert.ok((await lstat(join(content, root))).isSymbolicLink());

  // Also where such a blob is to be written.
  const roomy = await openAt(content);
  await assert.rejects(roomy.put(blob), { code: 'CONTENT_UNUSABLE', message: /is there and is no file/ });
  assert.ok((await lstat(join(content, root))).isSymbolicLink());
  assert.deepEqual((await readdir(content)).sort(), before);
});

test('a link that takes the place of a blob while the store is open is not followed', async (t) => {
  const folder = await folderFor(t);
  const [content, elsewhere] = [join(folder, 'content'), join(folder, 'elsewhere')];
  const root = await (await openAt(elsewhere)).put(blob);
  const store = await openAt(content);
  await store.put(blob);
  await rm(join(content, root));
  await symlink(join(elsewhere, root), join(content, root));
  assert.ok((await store.segment(root, 0)) === null);
  await store.put(Uint8Array.of(1));
  assert.ok((await lstat(join(content, root))).isSymbolicLink());
  assert.ok((await readFile(join(elsewhere, root))).length > blob.length);
});

test('a folder that cannot be is refused in one sentence', async (t) => {
  const folder = await folderFor(t);
  await writeFile(join(folder, 'file'), '');
  await assert.rejects(openAt(join(folder, 'file')), {
    code: 'CONTENT_UNUSABLE',
    message: /file cannot be used: .*; check permissions and free space$/,
  });
});

test('kill -9 in the middle of a put leaves no half blob, and loses none that was there', async (t) => {
  const folder = await folderFor(t);
  const deadlineMs = Date.now() + 60_000;
  let told: string[] = [];
  // It may have been between two blobs when it died: then another one dies.
  while (!(await hasTemporary(folder))) {
    assert.ok(Date.now() < deadlineMs, 'none died in the middle of a put');
    await rm(folder, { recursive: true });
    told = await diesInPut(folder);
  }
  const store = await openAt(folder);
  assert.ok(told.length > 0 && told.every((root) => store.has(root)));
  const left = await readdir(folder);
  assert.equal(left.length, store.usage().blobs, 'nothing else is left');
  for (const root of left) {
    for (let index = 0; index < 64; index++) {
      assert.ok(await store.segment(root, index), `segment ${index} of ${root}`);
    }
  }
});

/** Kills a process once it has put a blob in and is seen to write another; resolves to the roots that it told of. */
async function diesInPut(folder: string): Promise<string[]> {
  const script = fileURLToPath(new URL('./dies-in-put.ts', import.meta.url));
  const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'ignore'] });
  const told: string[] = [];
  createInterface(child.stdout).on('line', (line) => told.push(line));
  const exited = once(child, 'exit');
  try {
    await eventually('one blob is there', () => told.length > 0, 30_000);
    const deadlineMs = Date.now() + 30_000;
    while (!(await hasTemporary(folder))) assert.ok(Date.now() < deadlineMs, 'another is being written');
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
  return told;
}

async function hasTemporary(folder: string): Promise<boolean> {
  return (await readdir(folder)).some((name) => name.endsWith('.tmp'));
}
