/** What ships with the package is found wherever one stands, by every option that names examples. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import type { Command } from 'commander';
import { createProgram } from '../../src/cli/program.ts';

const named = 'examples/heart/va.csv';
/** Those of commands to a running node, which are made from its table, and of a model that is served. */
const isOfNode = (command: Command): boolean => command.parent?.name() === 'node';

function* commandsOf(command: Command): Generator<Command> {
  yield command;
  for (const one of command.commands) yield* commandsOf(one);
}

test('examples of the package are found by its names for them', async () => {
  const words = ['node', 'data', 'privacy', 'testnet', 'model', 'arena', 'label', 'alliance'];
  const commands = [...commandsOf(await createProgram(words))].filter((one) => !isOfNode(one));
  process.chdir(tmpdir());
  const options = commands.flatMap((command) =>
    command.options
      .filter(({ long }) => ['--data', '--evaluation', '--split', '--input'].includes(long ?? ''))
      .map((option) => ({ option, name: `${command.name()} ${option.long}` })),
  );
  const found = options.map(({ option, name }) => {
    const parsed: unknown = option.parseArg?.(named, undefined) ?? named;
    return { name, isFound: [parsed].flat().every((path) => existsSync(String(path))) };
  });
  assert.ok(found.length > 12, found.map(({ name }) => name).join(', '));
  assert.deepEqual(
    found.filter(({ isFound }) => !isFound),
    [],
  );
});
