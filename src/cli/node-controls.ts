/** The commands to a running node, made from the table that its API serves too (src/node/commands/commands.ts). */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { inputSchemaOf, type JsonSchema } from '../config/json-schema.ts';
import { problemsOf } from '../config/problem-text.ts';
import type { NodeTarget } from '../daemon/connect.ts';
import { NODE_COMMANDS } from '../node/commands/commands.ts';
import type { NodeCommand, PathField } from '../node/commands/node-command.ts';
import { addExample } from './parts/command/help-texts.ts';
import { perform } from './parts/command/perform.ts';
import { refuseUnused } from './parts/command/unused-options.ts';
import { askedInTime, startedNode, targetOptions, withTarget } from './parts/node/node-target.ts';

type Field = JsonSchema & { readonly path?: PathField };

export function addNodeControls(parent: Command): void {
  for (const entry of NODE_COMMANDS) addControl(parent, entry, entry.id);
  addLink(parent);
}

function addLink(parent: Command): void {
  const command = parent
    .command('link')
    .description('print a link that lets one page command a node: it works once, for ten minutes');
  withTarget(command).action(() =>
    perform(command, async ({ say, signal }) => {
      refuseUnused(parent, command, targetOptions);
      const { linkToNode } = await import('../daemon/connect.ts');
      const link = await linkToNode(await startedNode(optionsOf(command, parent), signal), signal);
      say(link);
      return { json: { link } };
    }),
  );
}

/** What stands on the command line, wherever commander took it. */
function optionsOf(command: Command, parent: Command): (name: string) => unknown {
  return (name) =>
    [command, parent].find((place) => place.getOptionValueSource(name) === 'cli')?.opts()[name];
}

/** Looks at what is asked before the node is. @throws where it should not be */
type Precheck = (
  target: NodeTarget,
  input: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
) => Promise<void>;

/** Options of the same name that `node` itself has are parsed there: commander takes them wherever they stand. */
export function addControl(parent: Command, entry: NodeCommand, name: string, precheck?: Precheck): void {
  const { properties = {}, required = [] } = inputSchemaOf(entry.input);
  const command = parent.command(name).description(entry.summary);
  for (const [id, field] of Object.entries(properties)) {
    const value = field.type === 'array' ? `${id}...` : field.enum ? 'id' : id;
    const option = new Option(`--${id} <${value}>`, field.description);
    if (field.enum) option.choices(field.enum.map(String));
    command.addOption(option);
  }
  const needed = required.map((id) => ` --${id} ${id.toUpperCase()}`).join('');
  addExample(command, `${parent.name()} ${name}${needed} --dir node-a`);
  withTarget(command).action(() =>
    perform(command, async ({ say, signal }) => {
      refuseUnused(parent, command, [...Object.keys(properties), ...targetOptions]);
      const given = optionsOf(command, parent);
      const values = Object.keys(properties).flatMap((id) => {
        const value = given(id);
        return value === undefined ? [] : [[id, value] as const];
      });
      const missing = required.filter((id) => !values.some(([known]) => known === id));
      if (missing.length > 0) {
        const flags = missing.map((id) => `--${id}`).join(' and ');
        throw new ConfigError('BAD_USAGE', `\`starlings ${parent.name()} ${name}\` needs ${flags}`);
      }
      const input = inputOf(entry, properties, Object.fromEntries(values));
      const target = await startedNode(given, signal);
      const { commandNode } = await import('../daemon/connect.ts');
      const { lines, ...json } = await askedInTime(signal, async () => {
        await precheck?.(target, input, signal);
        return commandNode(target, entry.id, input, signal);
      });
      for (const line of lines) say(line);
      return { json, ok: json['ok'] !== false };
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
  if (!parsed.success) {
    const problems = parsed.error.issues.flatMap((issue) =>
      problemsOf(issue, given, inputSchemaOf(entry.input)),
    );
    const sentences = problems.map(({ path, message }) => `--${path.join('.')}: ${message}`);
    throw new ConfigError('BAD_USAGE', sentences.join('; '));
  }
  const input: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(parsed.data)) {
    const path = typeof value === 'string' ? fields[name]?.path : undefined;
    const isPath = path === 'always' || (path === 'if it exists' && existsSync(String(value)));
    input[name] = isPath ? resolve(String(value)) : value;
  }
  return input;
}
