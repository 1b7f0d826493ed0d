/** What becomes of a command whose output has nowhere to go. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { entry } from './entry.ts';

const scenario = fileURLToPath(new URL('../../configs/sim/first-run.yaml', import.meta.url));

/** Runs a line of the shell in which `starlings` is the command; its exit code goes to stderr. */
function shell(line: string): { stdout: string; stderr: string } {
  const starlings = `'${process.execPath}' '${entry}'`;
  return spawnSync('/bin/sh', ['-c', line.replaceAll('starlings', starlings)], {
    encoding: 'utf8',
    timeout: 300_000,
  });
}

const isPosix = process.platform !== 'win32';

test('a reader that has gone ends a command quietly', { skip: !isPosix }, () => {
  for (const args of ['--help', `sim '${scenario}' --json`]) {
    const { stdout, stderr } = shell(`{ starlings ${args} 2>/dev/null; echo "code $?" >&2; } | true`);
    assert.equal(stdout, '');
    assert.equal(stderr, 'code 141\n', args);
  }
});

test('a full disk behind stdout is one sentence', { skip: !existsSync('/dev/full') }, () => {
  for (const args of ['--help', 'codec bench --help']) {
    const { stderr } = shell(`starlings ${args} > /dev/full; echo "code $?" >&2`);
    assert.match(
      stderr,
      /^starlings: what is printed cannot be written \(ENOSPC.*\): free some space or print elsewhere\ncode 1\n$/,
    );
  }
});

test('a terminal that was closed is a hang-up, a disk that fails is not', () => {
  const watched = fileURLToPath(new URL('../../src/cli/parts/command/output-loss.ts', import.meta.url));
  const lossOn = (isTTY: boolean): { isQuiet: boolean; exitCode: number } => {
    const script = `import { outputLoss, watchOutput } from ${JSON.stringify(watched)};
      process.stdout.isTTY = ${isTTY};
      watchOutput();
      process.stdout.emit('error', Object.assign(new Error('i/o error'), { code: 'EIO' }));
      process.stderr.write(JSON.stringify(outputLoss()));`;
    const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
    return JSON.parse(stderr);
  };
  const { isQuiet, exitCode } = lossOn(true);
  assert.deepEqual([isQuiet, exitCode], [true, 129]);
  assert.deepEqual([lossOn(false).isQuiet, lossOn(false).exitCode], [false, 1]);
});
