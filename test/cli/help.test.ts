/** `--help` is what people try first: it loads the descriptions of commands and none of their work. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createProgram } from '../../src/cli/program.ts';

const entry = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** Writes the address of every file that is loaded to stderr, one a line. */
const hook = `
  import { registerHooks } from 'node:module';
  registerHooks({
    load(url, context, next) {
      if (url.startsWith('file:')) process._rawDebug(url);
      return next(url, context);
    },
  });`;

function loadedBy(...args: readonly string[]): string[] {
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, entry, ...args],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  return stderr.split('\n').filter((line) => line.startsWith('file:'));
}

test('--help and --version load no package but the parser of the command line', () => {
  for (const args of [['--help'], ['--version'], ['model', 'predict', '--help'], ['start', '--help']]) {
    const loaded = loadedBy(...args);
    const packages = loaded.flatMap((url) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []);
    assert.deepEqual([...new Set(packages)], ['commander'], args.join(' '));
    // 90 when this was counted last, 8 of them of commander. Each costs about a millisecond.
    assert.ok(loaded.length < 95, `${args.join(' ')} loads ${loaded.length} files`);
    assert.ok(loaded.length > 30, 'the hook no longer sees what is loaded');
  }
});

test('what --help says ends where the terminal does', async () => {
  const words = [['compare'], ['doctor'], ['audit'], ['join'], ['testnet', 'partition'], ['data', 'inspect']];
  for (const [outer, inner] of words) {
    const program = await createProgram([outer!]);
    const found = program.commands.find((command) => command.name() === outer)!;
    const command = inner === undefined ? found : found.commands.find((one) => one.name() === inner)!;
    let text = '';
    command.configureOutput({
      getOutHelpWidth: () => 60,
      writeOut: (part) => {
        text += part;
      },
    });
    command.outputHelp();
    const [above = ''] = text.split('\nExample:');
    // A path is one word.
    const wide = above.split('\n').filter((line) => line.length > 60 && line.trim().includes(' '));
    assert.deepEqual(wide, [], outer);
  }
});

test('a command within a command lists each option once, and none that it refuses', () => {
  for (const args of [['node', 'join'], ['node', 'id'], ['sim', 'diff'], []]) {
    const { stdout } = spawnSync(process.execPath, [entry, ...args, '--help'], { encoding: 'utf8' });
    const flags = [...stdout.matchAll(/^ +(?:-\w, )?(--[\w-]+)/gm)].map(([, flag]) => flag!);
    assert.deepEqual(flags, [...new Set(flags)], args.join(' '));
    assert.ok(flags.includes('--json') && !flags.includes('--listen') && !flags.includes('--record'), stdout);
    assert.equal(flags.includes('--dir'), args[0] === 'node', args.join(' '));
  }
});
