/** The unit that docs/OPERATIONS.md speaks of: systemd understands it, and starlings what it starts. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from '../architecture/source-tree.ts';
import { entry } from '../cli/entry.ts';

const unit = await readFile(join(repositoryRoot, 'configs/systemd/starlings.service'), 'utf8');
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

test('what the unit starts is in the package, and its options are known', async () => {
  const line = /^ExecStart=\/usr\/bin\/node \/opt\/starlings\/node_modules\/starlings\/(\S+) (.*)$/m.exec(
    unit,
  )!;
  const { bin } = JSON.parse(await readFile(join(repositoryRoot, 'package.json'), 'utf8')) as {
    bin: Record<string, string>;
  };
  assert.equal(line[1], bin['starlings']);
  const args = [entry, ...line[2]!.split(' ')];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  // It gets as far as the file, which is not there.
  assert.match(stderr, /\/etc\/starlings\/node\.yaml: no such file/);
  const [, prevented] = /^RestartPreventExitStatus=(\d+)$/m.exec(unit)!;
  assert.equal(status, Number(prevented));
});

test('systemd has no objection to the unit', { skip: !hasSystemd }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'starlings-unit-'));
  try {
    const file = join(directory, 'starlings.service');
    await writeFile(file, unit.replace('/usr/bin/node', process.execPath));
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
    assert.equal(stderr, '');
    assert.equal(status, 0);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
