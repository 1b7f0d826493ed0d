/** What a shell offers: the scripts are run by the shells that are here. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { NODE_COMMANDS } from '../../src/node/commands/commands.ts';
import { starlings } from './starlings-process.ts';

const scriptFor = async (shell: string): Promise<string> => {
  const { exitCode, stdout, stderr } = await starlings('completion', shell);
  assert.equal(exitCode, 0, stderr);
  return stdout;
};

const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

describe('completion', { concurrency: 2 }, () => {
  test('by bash: commands, commands within, options, choices, and files after an option', {
    skip: !has('bash'),
  }, async () => {
    const script = await scriptFor('bash');
    const offered = (...words: readonly string[]): string[] => {
      const line = words.map((word) => `'${word}'`).join(' ');
      const asked = `${script}
        COMP_WORDS=(${line}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _starlings; printf '%s\n' "\${COMPREPLY[@]}"`;
      const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', asked], { encoding: 'utf8' });
      assert.deepEqual([status, stderr], [0, '']);
      return stdout.split('\n').filter((word) => word !== '');
    };
    assert.deepEqual(offered('starlings', 'test'), ['testnet']);
    assert.deepEqual(offered('starlings', 'testnet', '').toSorted(), [
      'dashboard',
      'down',
      'heal',
      'init',
      'kill',
      'logs',
      'partition',
      'restart',
      'status',
      'up',
    ]);
    const controls = offered('starlings', 'node', '');
    assert.ok(
      [...NODE_COMMANDS.map(({ id }) => id), 'id'].every((id) => controls.includes(id)),
      `${controls}`,
    );
    assert.ok(
      controls.every((word) => !word.startsWith('-')),
      `${controls}`,
    );
    assert.deepEqual(offered('starlings', 'node', '--dir', 'node-a', 'join', '--da'), ['--data']);
    assert.deepEqual(offered('starlings', 'start', '--backend', 'wa'), ['wasm']);
    assert.deepEqual(offered('starlings', 'start', '--split', ''), []);
    assert.deepEqual(offered('starlings', 'data', 'inspect', '--la'), ['--label']);
    assert.ok(offered('starlings', '--').includes('--json'));
  });

  for (const shell of ['zsh', 'fish']) {
    const why = has(shell) ? false : `no ${shell} here`;
    test(`by ${shell}: the script is one that it reads`, { skip: why }, async () => {
      const { status, stderr } = spawnSync(shell, ['-n', '/dev/stdin'], {
        input: await scriptFor(shell),
        encoding: 'utf8',
      });
      assert.deepEqual([status, stderr], [0, '']);
    });
  }

  test('knows every shell by its own marks, and no others', async () => {
    assert.match(await scriptFor('zsh'), /^#compdef starlings\n/);
    assert.match(
      await scriptFor('fish'),
      /^complete -c starlings -n "__starlings_at 'node join'" -l data -r /m,
    );
    const { exitCode, stderr } = await starlings('completion', 'csh');
    assert.deepEqual([exitCode, /bash, zsh, fish/.test(stderr)], [2, true]);
  });
});
