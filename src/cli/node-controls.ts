/** The commands to a running node, made from the table that its API serves too (src/node/commands.ts). */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { prettifyError } from 'zod';
import { ConfigError } from '../config/config-error.ts';
import { inputSchemaOf, type JsonSchema } from '../config/json-schema.ts';
import { NODE_COMMANDS, type NodeCommand, type PathField } from '../node/commands.ts';
import { dataHome } from './data-home.ts';
import { perform } from './perform.ts';

type Field = JsonSchema & { readonly path?: PathField };

export function addNodeControls(parent: Command): void {
  for (const entry of NODE_COMMANDS) addControl(parent, entry);
}

function addControl(parent: Command, entry: NodeCommand): void {
  const { properties = {}, required = [] } = inputSchemaOf(entry.input);
  const command = parent.command(entry.id).description(entry.summary);
  for (const [name, field] of Object.entries(properties)) {
    const option = new Option(`--${name} <${field.enum ? 'id' : name}>`, field.description);
    if (field.enum) option.choices(field.enum.map(String));
    if (field.default !== undefined) option.default(field.default);
    command.addOption(option.makeOptionMandatory(required.includes(name)));
  }
  command
    .option('--dir <dir>', `directory of the node (default: ${dataHome('node')})`)
    .action((options: Record<string, unknown>) =>
      perform(command, async ({ say, signal }) => {
        const { dir, ...given } = options;
        const directory = String(dir ?? parent.opts()['dir']);
        const input = inputOf(entry, properties, given);
        const { commandNode } = await import('../daemon/connect.ts');
        const { lines, ...json } = await commandNode(directory, entry.id, input, signal);
        for (const line of lines) say(line);
        return { json };
      }),
    );
}

/** The node has another working directory than the user. @throws ConfigError where a value does not fit */
function inputOf(
  entry: NodeCommand,
  fields: Readonly<Record<string, Field>>,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const parsed = entry.input.safeParse(given);
  if (!parsed.success) throw new ConfigError('BAD_USAGE', prettifyError(parsed.error));
  const input: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(parsed.data)) {
    const path = typeof value === 'string' ? fields[name]?.path : undefined;
    const isPath = path === 'always' || (path === 'if it exists' && existsSync(String(value)));
    input[name] = isPath ? resolve(String(value)) : value;
  }
  return input;
}
