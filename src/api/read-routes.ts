/** What is read of a node over HTTP, one entry each: the server answers by it, and the OpenAPI description is made of it. */
import * as z from 'zod';
import { commandOf } from '../node/commands/commands.ts';
import type { NodeControl } from '../node/commands/node-command.ts';
import { NodeError } from '../node/node-error.ts';
import { entriesPerPageMax, entryPageSchema } from '../node/view/held-entries.ts';
import { entrySchema } from '../node/view/held-entry.ts';
import { type NodeReader, nodeSettingsSchema, peerSummarySchema } from '../node/view/node-reader.ts';
import { pointsMax } from '../node/view/run-history.ts';
import { type RunView, runViewSchema } from '../node/view/run-view.ts';
import { healthOf, healthSchema } from './health.ts';
import { historySchema } from './live-schema.ts';

export type NodeSource = NodeControl & NodeReader;

export interface ReadRoute {
  /** `{run}` stands for a run id. */
  readonly path: string;
  readonly summary: string;
  readonly query: z.ZodObject;
  readonly answer: z.ZodType;
  /** @throws NodeError; NOT_JOINED is answered by 404 */
  read(source: NodeSource, asked: RouteQuestion): Promise<RouteAnswer>;
}

export interface RouteQuestion {
  readonly run: string;
  readonly query: Readonly<Record<string, string>>;
}

export interface RouteAnswer {
  readonly status: number;
  readonly json: unknown;
}

function route<Q extends z.ZodObject>(
  path: string,
  summary: string,
  query: Q,
  answer: z.ZodType,
  read: (source: NodeSource, asked: { readonly run: string; readonly query: z.infer<Q> }) => unknown,
): ReadRoute {
  return {
    ...{ path, summary, query, answer },
    read: async (source, asked) => ({
      status: 200,
      json: await read(source, { run: asked.run, query: query.parse(asked.query) }),
    }),
  };
}

const none = z.strictObject({});
const contributionsSchema = z.array(
  z.object({ peer: z.string(), name: z.string().nullable(), deltas: z.int(), share: z.number() }),
);

const runInShort = runViewSchema.pick({
  ...{ runId: true, state: true, phase: true, outcome: true, round: true, roundsDone: true, failure: true },
});

/** So many of a list, from its end backwards. */
function evenly<T>(list: readonly T[], max: number): T[] {
  const every = Math.ceil(list.length / max);
  return list.filter((_, index) => (list.length - 1 - index) % every === 0);
}

/** By its id. @throws NodeError NOT_JOINED */
export function runOf(source: NodeSource, runId: string): RunView {
  const view = source.views().find((each) => each.runId === runId);
  if (!view) throw new NodeError('NOT_JOINED', `this node takes no part in run ${runId}`);
  return view;
}

export const READ_ROUTES: readonly ReadRoute[] = [
  route(
    '/status',
    'the node and all its runs',
    none,
    z.object({ node: z.record(z.string(), z.unknown()), runs: z.array(runViewSchema) }),
    async (source) => (await commandOf('status')!.perform(source, {})).json,
  ),
  route(
    '/config',
    'what the node was started with, and where others dial it',
    none,
    nodeSettingsSchema,
    (source) => source.settings(),
  ),
  route('/peers', 'connected peers and where they are', none, z.array(peerSummarySchema), (source) =>
    source.peers(),
  ),
  route('/runs', 'the runs of the node, in short', none, z.array(runInShort), (source) =>
    source.views().map((view) => runInShort.parse(view)),
  ),
  route('/runs/{run}/status', 'how a run stands here', none, runViewSchema, (source, { run }) =>
    runOf(source, run),
  ),
  route(
    '/runs/{run}/manifest',
    'what the run is, as its creator signed it',
    none,
    z.record(z.string(), z.unknown()),
    (source, { run }) => {
      runOf(source, run);
      const manifest = source.manifest(run);
      if (!manifest) throw new NodeError('NOT_JOINED', `the manifest of run ${run} is not here yet`);
      return manifest;
    },
  ),
  route(
    '/runs/{run}/history',
    'figures over the rounds, in at most 1,024 points, since the node was started',
    z.strictObject({
      points: z.coerce
        .number()
        .int()
        .min(1)
        .max(pointsMax)
        .default(pointsMax)
        .describe('at most so many, evenly chosen; the last is among them'),
    }),
    historySchema,
    (source, { run, query }) => {
      const history = source.history(runOf(source, run).runId);
      return { ...history, points: evenly(history.points, query.points) };
    },
  ),
  route(
    '/runs/{run}/heads',
    'the rounds closed last, with the root over all before',
    none,
    historySchema.shape.heads,
    (source, { run }) => source.history(runOf(source, run).runId).heads,
  ),
  route(
    '/runs/{run}/entries',
    'the entries of the log that are held here, without their bodies, page by page',
    z.strictObject({
      from: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0).describe('first round'),
      after: z
        .string()
        .regex(/^\d{10}\/[0-9a-f/]*$/)
        .max(256)
        .optional()
        .describe('`next` of the page before'),
      limit: z.coerce.number().int().min(1).max(entriesPerPageMax).default(50),
    }),
    entryPageSchema,
    (source, { run, query: { from, after = null, limit } }) =>
      source.heldEntries(runOf(source, run).runId, { from, after, limit }),
  ),
  route(
    '/runs/{run}/entry',
    'one of them as its author signed it, without its body',
    z.strictObject({
      round: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
      id: z.string().regex(/^[0-9a-f]{64}$/, 'the id of an entry'),
    }),
    entrySchema,
    async (source, { run, query }) => {
      const entry = await source.heldEntry(runOf(source, run).runId, query);
      if (!entry)
        throw new NodeError('NOT_HELD', `entry ${query.id} of round ${query.round} is not held here`);
      return entry;
    },
  ),
  route(
    '/runs/{run}/contributions',
    'final deltas per author and their share: of the summed squared norm, which is how far each moved the model and not what that was worth; where nobody sees single deltas, of the times (`shareOf` in the status)',
    none,
    contributionsSchema,
    (source, { run }) => {
      const { contributions, members } = runOf(source, run);
      return contributions.map((each) => ({ ...each, name: members.names[each.peer] ?? null }));
    },
  ),
  {
    ...{
      path: '/health',
      summary: 'whether the node does what it is for, and why not; 503 where it does not',
    },
    ...{ query: none, answer: healthSchema },
    read: async (source) => {
      const health = healthOf(source.views());
      return { status: health.healthy ? 200 : 503, json: health };
    },
  },
  {
    ...{ path: '/ready', summary: 'whether every run is running; 503 where one is not yet' },
    ...{ query: none, answer: healthSchema },
    read: async (source) => {
      const health = healthOf(source.views());
      return { status: health.healthy && health.ready ? 200 : 503, json: health };
    },
  },
];

const patterns = READ_ROUTES.map((each) => ({
  route: each,
  pattern: new RegExp(`^${each.path.replace('{run}', '([a-z0-9]{1,128})')}$`),
}));

/** The route of a path, and what stands in it for `{run}`. */
export function readRouteOf(path: string): { readonly route: ReadRoute; readonly run: string } | null {
  for (const { route: each, pattern } of patterns) {
    const found = pattern.exec(path);
    if (found) return { route: each, run: found[1] ?? '' };
  }
  return null;
}
