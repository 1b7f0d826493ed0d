/** What `--force` and options that take a file leave alone: whatever is no plain file. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { lstatSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  checkMayFill,
  checkMayWrite,
  checkReplaceable,
  checkWritable,
} from '../../src/cli/parts/may-write.ts';
import { writeFileAtomically } from '../../src/platform/node/atomic-file.ts';
import { linkOrCopy } from '../../src/platform/node/link-or-copy.ts';
import { starlings } from './starlings-process.ts';

let folder = '';
const at = (name: string): string => join(folder, name);
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starlings-may-write-'));
  assert.equal(spawnSync('mkfifo', [at('pipe')]).status, 0);
  await writeFile(at('kept'), 'mine');
  await symlink(at('kept'), at('link'));
  await symlink(at('nowhere'), at('dangling'));
  await mkdir(at('full'));
});
after(() => rm(folder, { recursive: true, force: true }));

const cases = [
  ['pipe', /pipe is no plain file but a pipe, a device or a socket, which is not replaced; name another$/],
  ['link', /link is a symbolic link, which is not replaced; name the file itself$/],
  ['dangling', /dangling is a symbolic link, which is not replaced; name the file itself$/],
  ['full', /full is a directory; name a file$/],
] as const;

test('what is no plain file is not replaced, whoever insists', async () => {
  for (const [name, sentence] of cases) {
    assert.throws(() => checkMayWrite(at(name), undefined), /exists; choose another --out, or --force/);
    assert.throws(() => checkMayWrite(at(name), true), sentence);
    assert.throws(() => checkReplaceable(at(name)), sentence);
    await assert.rejects(writeFileAtomically(at(name), ['new']), sentence);
    await assert.rejects(linkOrCopy(at('kept'), at(name)), sentence);
  }
  assert.ok(lstatSync(at('pipe')).isFIFO() && lstatSync(at('link')).isSymbolicLink());
  assert.equal(readFileSync(at('kept'), 'utf8'), 'mine');
  assert.deepEqual((await readdir(folder)).toSorted(), ['dangling', 'full', 'kept', 'link', 'pipe']);
  checkMayWrite(at('kept'), true);
  // Events are written one by one: a reader at the other end of a pipe has them.
  checkWritable(at('pipe'));
});

test('a folder is filled again where somebody insists, a file is none', () => {
  assert.throws(() => checkMayFill(at('full'), undefined), /full exists; choose another --out, or --force/);
  checkMayFill(at('full'), true);
  checkMayFill(at('new'), undefined);
  for (const name of ['kept', 'pipe']) {
    assert.throws(() => checkMayFill(at(name), true), /is no folder; name one$/);
  }
});

test('on the command line', async () => {
  const rows = Array.from({ length: 60 }, (_, row) => `${row},${row % 2}\n`);
  await writeFile(at('a.csv'), rows.join(''));
  const refused = await starlings('data', 'moments', at('a.csv'), '--out', at('pipe'), '--force');
  assert.equal(refused.exitCode, 2);
  assert.match(refused.stderr, /pipe is no plain file/);
  assert.ok(lstatSync(at('pipe')).isFIFO());
  for (const force of [[], ['--force']]) {
    const split = await starlings(
      'data',
      'split',
      at('a.csv'),
      '--nodes',
      '2',
      '--out',
      at('shares'),
      ...force,
    );
    assert.equal(split.exitCode, 0, split.stderr);
  }
});
