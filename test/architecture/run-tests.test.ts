/** `npm test` as a program: two files at a time on any machine, options for Node, the exit code of what it ran. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { repositoryRoot } from './source-tree.ts';

const folder = mkdtempSync(join(tmpdir(), 'starlings-run-tests-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Ends once the other of the two has begun as well. */
const fileThatAwaits = (own: string, other: string): string => `
  import { existsSync, writeFileSync } from 'node:fs';
  import { test } from 'node:test';
  test('meets the other', async () => {
    writeFileSync(new URL('${own}', import.meta.url), '');
    const endMs = Date.now() + 60_000;
    while (!existsSync(new URL('${other}', import.meta.url))) {
      if (Date.now() > endMs) throw new Error('the other did not begin');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
  test('fails', () => { throw new Error('as it is meant to'); });`;
writeFileSync(join(folder, 'a.test.mjs'), fileThatAwaits('a', 'b'));
writeFileSync(join(folder, 'b.test.mjs'), fileThatAwaits('b', 'a'));

function runTests(...options: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  // Node runs no tests within a test.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const words = ['scripts/run-tests.ts', `${folder}/*.test.mjs`, ...options];
  return spawnSync(process.execPath, words, { cwd: repositoryRoot, env, encoding: 'utf8' });
}

test('two files run at a time, of which an option may name tests', () => {
  const { status, stdout, stderr } = runTests('--test-name-pattern', 'meets');
  assert.equal(status, 0, stdout);
  assert.equal(stderr, '');
  assert.match(stdout, /^# pass 2$/m);
});

test('a test that fails is an exit code, and is named with its file and reason after all else', () => {
  const { status, stdout, stderr } = runTests();
  assert.match(stdout, /^# pass 2\n# fail 2$/m);
  assert.equal(status, 1);
  const told = ['a', 'b'].map((name) => `  \\S+/${name}\\.test\\.mjs:\\d+ fails\n {6}as it is meant to\n`);
  assert.match(stderr, new RegExp(`^failed: 2\n${told.join('')}$`));
  const file = join(folder, 'told');
  const named = [['--test-reporter=tap'], ['--test-reporter=spec', `--test-reporter-destination=${file}`]];
  for (const reporters of named) {
    const other = runTests(...reporters);
    assert.deepEqual([other.status, other.stderr], [1, stderr]);
    assert.match(reporters.length < 2 ? other.stdout : readFileSync(file, 'utf8'), /^(?:#|ℹ) fail 2$/m);
  }
});
