/** A named pipe on the command line, which nobody writes to. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { entry } from './entry.ts';
import { starlings } from './starlings-process.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-named-pipes-'));
after(() => rm(directory, { recursive: true, force: true }));
const pipe = join(directory, 'pipe');
assert.equal(spawnSync('mkfifo', [pipe]).status, 0);

const commands: readonly (readonly string[])[] = [
  ['inspect', pipe],
  ['sim', pipe],
  ['sim', 'diff', pipe, pipe],
  ['run', 'show', pipe],
  ['log', 'verify', pipe],
  ['model', 'evaluate', '--from', pipe],
  ['label', 'import', '--name', 'x', '--file', pipe, '--dir', directory],
  ['node', '--config', pipe],
  ['node', '--run', 'x', '--data', pipe, '--dir', directory],
];

describe('a named pipe', { concurrency: 2 }, () => {
  for (const words of commands)
    test(`is not waited for by starlings ${words.slice(0, 2).join(' ')}`, async () => {
      const { exitCode, stderr } = await starlings(...words);
      assert.match(stderr, /pipe is a pipe, expected a file or a folder: save it as a file/);
      assert.equal(exitCode, 2);
    });
});

test('events of a simulation go to whoever reads a pipe', () => {
  const scenario = new URL('../../configs/sim/first-run.yaml', import.meta.url).pathname;
  const words = ['sim', scenario, '--events', pipe, '--json'];
  const shell = `cat '${pipe}' | head -c 1000 & '${process.execPath}' '${entry}' ${words.join(' ')} > /dev/null; wait`;
  const { stdout, stderr } = spawnSync('sh', ['-c', shell], { encoding: 'utf8', timeout: 300_000 });
  assert.equal(stdout.length, 1000, stderr);
});

test('what a shell pipes is read', () => {
  const run = new URL('../../configs/runs/labels.yaml', import.meta.url).pathname;
  const words = ['run', 'create', '/dev/stdin', '--out', join(directory, 'm'), '--key', join(directory, 'k')];
  const shell = `cat '${run}' | '${process.execPath}' '${entry}' ${words.join(' ')}`;
  const { status, stdout, stderr } = spawnSync('sh', ['-c', shell], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^run {6}bafy/m);
});
