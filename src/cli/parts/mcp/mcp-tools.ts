/**
 * What an agent may ask of a node: made from the tables of what is read of it (src/api/read-routes.ts) and done to it
 * (src/node/commands/commands.ts), so that a new entry there is a tool here.
 */
import { realpathSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import * as z from 'zod';
import { READ_ROUTES, type ReadRoute } from '../../../api/read-routes.ts';
import { ConfigError } from '../../../config/config-error.ts';
import { inputSchemaOf, type JsonSchema } from '../../../config/json-schema.ts';
import { commandNode, greetNode, type NodeTarget, readNode } from '../../../daemon/connect.ts';
import { NODE_COMMANDS } from '../../../node/commands/commands.ts';
import type { NodeCommand, PathField } from '../../../node/commands/node-command.ts';
import { inspect } from '../inspect/inspections.ts';

export interface McpTool {
  readonly name: string;
  readonly description: string;
  readonly input: z.ZodObject;
  /** Counted, and few a minute. */
  readonly acts: boolean;
  /** @throws one error with a sentence */
  call(input: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<unknown>;
}

export interface McpScope {
  readonly node: NodeTarget;
  /** Where files lie that may be named. */
  readonly root: string;
  /** Ids of commands; true: all that act. */
  readonly allowed: true | readonly string[];
}

/** Less than people are shown: an agent pays for each point. By path. */
const sparingly: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '/runs/{run}/history': { points: '64' },
};
const eventsMax = 200;

/** @throws ConfigError where a command is allowed that is none */
export function mcpTools(scope: McpScope): McpTool[] {
  const acting = NODE_COMMANDS.filter(({ acts }) => acts);
  const { allowed } = scope;
  const unknown = allowed === true ? [] : allowed.filter((id) => !acting.some((each) => each.id === id));
  if (unknown.length > 0) {
    throw new ConfigError(
      'BAD_USAGE',
      `--allow-actions ${unknown.join(' ')}: expected some of ${acting.map(({ id }) => id).join(', ')}`,
    );
  }
  return [
    ...READ_ROUTES.map((route) => readingTool(route, scope)),
    eventsTool(scope),
    inspectTool(scope),
    ...acting
      .filter(({ id }) => allowed === true || allowed.includes(id))
      .map((entry) => actingTool(entry, scope)),
  ];
}

const run = z
  .string()
  .regex(/^[a-z0-9]{1,128}$/, 'a run id')
  .optional()
  .describe('run id; may be left out where the node has one run');

function readingTool({ path, summary, query }: ReadRoute, { node }: McpScope): McpTool {
  const ofRun = path.includes('{run}');
  return {
    name: path.slice(1).replace('runs/{run}/', 'run_'),
    description: summary,
    input: ofRun ? query.extend({ run }) : query,
    acts: false,
    call: async ({ run: named, ...given }, signal) => {
      const place = ofRun ? path.replace('{run}', await runIdOf(node, named, signal)) : path;
      const asked = Object.entries(given).map(([name, value]) => [name, String(value)] as const);
      const parameters = new URLSearchParams({ ...sparingly[path], ...Object.fromEntries(asked) });
      return readNode(node, `${place}?${parameters}`, signal);
    },
  };
}

const runsSchema = z.array(z.looseObject({ runId: z.string() }));

async function runIdOf(node: NodeTarget, named: unknown, signal: AbortSignal): Promise<string> {
  if (typeof named === 'string') return named;
  const runs = runsSchema.parse(await readNode(node, '/runs', signal));
  if (runs.length === 1) return runs[0]!.runId;
  throw new ConfigError('BAD_USAGE', `this node has ${runs.length} runs: say which; \`runs\` lists them`);
}

function eventsTool({ node }: McpScope): McpTool {
  const input = z.strictObject({
    limit: z.int().min(1).max(eventsMax).default(50).describe('the latest so many'),
  });
  return {
    ...{ name: 'events', input, acts: false },
    description: 'what happened lately, in sentences; `trouble` is what somebody should see to',
    call: async (given, signal) => {
      const { events } = await greetNode(node, signal);
      return events.slice(-input.parse(given).limit);
    },
  };
}

function inspectTool({ root }: McpScope): McpTool {
  const input = z.strictObject({ path: z.string().min(1).max(4096).describe('file or directory') });
  return {
    ...{ name: 'inspect', input, acts: false },
    description:
      'what a file of starlings is and what is in it: manifest, entry, model, archive of a log, record, directory of a node',
    call: async (given) => {
      const inspected = await inspect(within(root, input.parse(given).path));
      if (inspected === null) throw new ConfigError('BAD_USAGE', 'nothing that `starlings inspect` knows');
      return { what: inspected.what, ...inspected.json };
    },
  };
}

function actingTool({ id, summary, input }: NodeCommand, { node, root }: McpScope): McpTool {
  const fields = inputSchemaOf(input).properties ?? {};
  return {
    ...{ name: id, description: summary, input, acts: true },
    call: (given, signal) => {
      const placed = Object.entries(given).map(([name, value]) => [
        name,
        placedIn(root, fields[name], value),
      ]);
      return commandNode(node, id, Object.fromEntries(placed), signal);
    },
  };
}

/** A text that names no file passes only where it looks like none. */
function placedIn(
  root: string,
  field: (JsonSchema & { readonly path?: PathField }) | undefined,
  value: unknown,
): unknown {
  if (field?.path === undefined || typeof value !== 'string') return value;
  return field.path === 'always' || !/^[a-z0-9]+$/.test(value) ? within(root, value) : value;
}

/** Links followed. @throws ConfigError where it lies elsewhere, ENOENT where there is nothing */
function within(root: string, path: string): string {
  const real = realpathSync(resolve(root, path));
  const folder = realpathSync(root);
  if (real === folder || real.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`)) return real;
  throw new ConfigError(
    'BAD_USAGE',
    `${path} does not lie in the folder that \`starlings mcp --root\` names`,
  );
}
