import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fromString } from 'uint8arrays/from-string';
import { compileAllKernels, pinnedHashes } from '../../scripts/build-kernels.ts';

test('the kernels compile byte for byte to the modules that were built and pinned', async () => {
  const pinned = pinnedHashes();
  const modules = await compileAllKernels();
  assert.deepEqual([...modules.keys()], [...pinned.keys()]);
  for (const [name, bytes] of modules) {
    const hash = createHash('sha256').update(bytes).digest('hex');
    assert.equal(
      hash,
      pinned.get(name),
      `${name}: after a change of its sources, npm run build:kernels -- --pin`,
    );
    const text = await readFile(new URL(`../../src/kernels/generated/${name}.ts`, import.meta.url), 'utf8');
    const base64 = /wasmBase64 =\s*'([^']*)'/.exec(text)![1]!;
    assert.deepEqual(fromString(base64, 'base64'), bytes, `${name}: run npm run build:kernels`);
  }
});

test('only the fast module has relaxed operations', async () => {
  const modules = await compileAllKernels();
  // Relaxed operations are 0xfd followed by a number from 0x100 on, which takes a second byte of 0x02.
  const relaxedMadd = [0xfd, 0x85, 0x02];
  for (const [name, bytes] of modules) {
    const has = Buffer.from(bytes).includes(Buffer.from(relaxedMadd));
    assert.equal(has, name === 'nn-fast', name);
  }
});
