/** A node behind `&` shares its terminal with whoever types there. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const drawing = fileURLToPath(new URL('drawing.ts', import.meta.url));
const escapeCode = String.fromCharCode(27);
const hasScript = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0;

/** What a terminal gets of the program `drawing.ts`, started by a shell with control of jobs. */
function drawn(behind: '' | ' &'): string {
  const line = `stty cols 90 rows 30; set -m; '${process.execPath}' '${drawing}'${behind}`;
  const { stdout, status } = spawnSync('script', ['-qec', `${line}\nwait`, '/dev/null'], {
    encoding: 'utf8',
    input: '',
    env: { ...process.env, SHELL: '/bin/sh', TERM: 'xterm' },
    timeout: 60_000,
  });
  assert.equal(status, 0, stdout);
  return stdout;
}

test('in the foreground a node draws in place, in the background it writes lines and erases nothing', {
  skip: !hasScript && 'there is no script(1) of Linux here',
}, () => {
  const erases = new RegExp(`${escapeCode}\\[\\d*[AK]`);
  const before = drawn('');
  assert.match(before, erases);
  assert.match(before, /here +nobody/);
  const behind = drawn(' &');
  assert.match(behind, /^noted 1\r?$/m);
  assert.match(behind, /^noted 2\r?$/m);
  assert.doesNotMatch(behind, erases);
  assert.doesNotMatch(behind, /here +nobody/);
});
