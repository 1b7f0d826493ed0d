/** A terminal of Linux, by script(1). */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';

/** What a test says that needs one. */
export const noTerminal =
  process.platform === 'linux' && spawnSync('script', ['--version']).status === 0
    ? false
    : 'there is no script(1) of Linux here';

/** All that a shell and its programs write on a terminal of 30 lines. */
export function onTerminal(columns: number, line: string): string {
  const { stdout, status } = spawnSync(
    'script',
    ['-qec', `stty cols ${columns} rows 30; ${line}`, '/dev/null'],
    {
      encoding: 'utf8',
      input: '',
      env: { ...process.env, SHELL: '/bin/sh', TERM: 'xterm' },
      timeout: 60_000,
    },
  );
  assert.equal(status, 0, stdout);
  return stdout.replaceAll('\r', '');
}
