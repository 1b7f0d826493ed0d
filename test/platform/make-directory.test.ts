import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeDirectory } from '../../src/platform/node/make-directory.ts';

const folder = mkdtempSync(join(tmpdir(), 'starlings-directory-'));
after(() => rmSync(folder, { recursive: true }));

test('makes what is missing, and is content with what is there', () => {
  const deep = join(folder, 'a', 'b', 'c');
  makeDirectory(deep, 0o700);
  makeDirectory(deep);
  assert.ok(statSync(deep).isDirectory());
  assert.equal(statSync(join(folder, 'a')).mode & 0o777, 0o700);
});

test('refuses where a file is in the way', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  assert.throws(() => makeDirectory(file), { code: 'ENOTDIR', path: file });
  assert.throws(() => makeDirectory(join(file, 'x', 'y')), { code: 'ENOTDIR' });
});

test('gives up where the system says ENOENT below a directory that exists', {
  skip: process.platform !== 'linux',
}, () => {
  assert.throws(() => makeDirectory('/proc/none/x'), { code: 'ENOENT', path: '/proc/none' });
});
