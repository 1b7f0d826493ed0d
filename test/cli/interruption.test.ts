import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

/** A command that does not stop when asked: prints `ready`, then waits for ever. */
const stubborn = `
  import { Command } from 'commander';
  import { perform } from './src/cli/parts/command/perform.ts';
  const command = new Command('stubborn').action(() =>
    perform(command, () => new Promise(() => { setInterval(() => {}, 1000); process.stdout.write('ready\\n'); })));
  await command.parseAsync([], { from: 'user' });
`;

test('Ctrl-C twice stops at once what does not stop when asked', { timeout: 30_000 }, async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', stubborn], {
    cwd: new URL('../../', import.meta.url),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGINT');
  const [warning] = (await once(child.stderr, 'data')) as [Buffer];
  assert.match(warning.toString(), /^stopping; Ctrl-C again stops at once\n/);
  assert.equal(child.exitCode, null);
  // Closer together they count as one: under npm, one Ctrl-C arrives twice.
  child.kill('SIGINT');
  await delay(300);
  assert.equal(child.exitCode, null);
  child.kill('SIGINT');
  const [exitCode] = await once(child, 'exit');
  assert.equal(exitCode, 130);
});

/** A command that computes to its end without a pause, and is told to stop meanwhile. */
const deaf = `
  import { Command } from 'commander';
  import { perform } from './src/cli/parts/command/perform.ts';
  const command = new Command('deaf').action(() =>
    perform(command, async () => {
      process.kill(process.pid, 'SIGINT');
      for (const endMs = performance.now() + 50; performance.now() < endMs; );
      return { json: {} };
    }));
  await command.parseAsync([], { from: 'user' });
  process.exit();
`;

test('Ctrl-C while something is computed to its end is heard all the same', { timeout: 30_000 }, async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', deaf], {
    cwd: new URL('../../', import.meta.url),
    stdio: 'ignore',
  });
  const [exitCode] = await once(child, 'exit');
  assert.equal(exitCode, 130);
});
