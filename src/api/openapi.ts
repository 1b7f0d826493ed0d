/** The API as OpenAPI 3.1 describes it, from the tables that answer. */
import * as z from 'zod';
import { NODE_COMMANDS } from '../node/commands/commands.ts';
import { READ_ROUTES, type ReadRoute } from './read-routes.ts';

type Json = Readonly<Record<string, unknown>>;

const problem = {
  type: 'object',
  properties: {
    error: {
      type: 'object',
      properties: { code: { type: 'string' }, message: { type: 'string' } },
      required: ['code', 'message'],
    },
  },
  required: ['error'],
};

const problems = (...statuses: readonly number[]): Json =>
  Object.fromEntries(
    statuses.map((status) => [
      String(status),
      { description: 'a code and a sentence', content: { 'application/json': { schema: problem } } },
    ]),
  );

const answered = (schema: unknown): Json => ({
  '200': { description: 'as asked', content: { 'application/json': { schema } } },
});

/** JSON Schema 2020-12, which is what OpenAPI 3.1 speaks; what it names inside travels within it. */
function schemaOf(type: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(type, { io, unrepresentable: 'any' });
  return schema;
}

function reading({ path, summary, query, answer }: ReadRoute): readonly [string, Json] {
  const { properties = {}, required = [] } = schemaOf(query, 'input') as {
    readonly properties?: Json;
    readonly required?: readonly string[];
  };
  const parameters = [
    ...(path.includes('{run}')
      ? [{ name: 'run', in: 'path', required: true, schema: { type: 'string' }, description: 'run id' }]
      : []),
    ...Object.entries(properties).map(([name, schema]) => ({
      ...{ name, in: 'query', required: required.includes(name), schema },
    })),
  ];
  const responses = { ...answered(schemaOf(answer, 'output')), ...problems(400, 401, 403, 404, 422, 503) };
  return [path, { get: { summary, operationId: operationOf('get', path), parameters, responses } }];
}

function commanding(): ReadonlyArray<readonly [string, Json]> {
  return NODE_COMMANDS.map(({ id, summary, input }) => [
    `/${id}`,
    {
      post: {
        ...{ summary, operationId: operationOf('post', `/${id}`), security: [{ token: [] }] },
        parameters: [{ name: 'X-Starlings', in: 'header', required: true, schema: { type: 'string' } }],
        requestBody: { content: { 'application/json': { schema: schemaOf(input, 'input') } } },
        responses: {
          ...answered({
            type: 'object',
            properties: { lines: { type: 'array', items: { type: 'string' } } },
          }),
          ...problems(400, 401, 403, 404, 422),
        },
      },
    },
  ]);
}

/** How a page comes to command without the token passing through anybody's hands, and the file that it may fetch then. */
function paging(): ReadonlyArray<readonly [string, Json]> {
  const text = { type: 'string' };
  const header = { name: 'X-Starlings', in: 'header', required: true, schema: text };
  const run = { name: 'run', in: 'path', required: true, schema: text, description: 'run id' };
  const withOne = (name: string): Json => ({
    type: 'object',
    properties: { [name]: text },
    required: [name],
  });
  const security = [{ token: [] }];
  return [
    [
      '/link',
      {
        post: {
          ...{ summary: 'a code that works once, for ten minutes', operationId: 'postLink', security },
          ...{ parameters: [header], responses: { ...answered(withOne('code')), ...problems(401, 403) } },
        },
      },
    ],
    [
      '/pass',
      {
        post: {
          summary: 'for such a code, what commands as the token does until the node stops',
          ...{ operationId: 'postPass', parameters: [header] },
          requestBody: { content: { 'application/json': { schema: withOne('code') } } },
          responses: { ...answered(withOne('token')), ...problems(400, 401, 403) },
        },
      },
    ],
    [
      '/runs/{run}/model',
      {
        get: {
          summary: 'the model as it was saved last, as safetensors',
          ...{ operationId: operationOf('get', '/runs/{run}/model'), security, parameters: [run] },
          responses: {
            '200': { description: 'the file', content: { 'application/octet-stream': {} } },
            ...problems(401, 403, 404, 422),
          },
        },
      },
    ],
  ];
}

function operationOf(verb: string, path: string): string {
  const words = path.split(/\W+/).filter((word) => word !== '');
  return [verb, ...words.map((word) => word[0]!.toUpperCase() + word.slice(1))].join('');
}

const texts: ReadonlyArray<readonly [path: string, type: string, summary: string]> = [
  ['/metrics', 'text/plain', 'figures for Prometheus'],
  ['/events', 'text/event-stream', '`runs`, then every event as `event`'],
  ['/live', 'text/event-stream', 'what the page shows: `hello` with everything as it stands, then `update`s'],
  ['/openapi.json', 'application/json', 'this description'],
];

function texting(): ReadonlyArray<readonly [string, Json]> {
  return texts.map(([path, type, summary]) => [
    path,
    {
      get: {
        ...{ summary, operationId: operationOf('get', path) },
        responses: {
          '200': { description: 'as asked', content: { [type]: {} } },
          ...problems(401, 403, 503),
        },
      },
    },
  ]);
}

export function openApi(version: string): Json {
  const paths: Record<string, Json> = {};
  for (const [path, operations] of [
    ...READ_ROUTES.map(reading),
    ...commanding(),
    ...paging(),
    ...texting(),
  ]) {
    paths[path] = { ...paths[path], ...operations };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'starlings node',
      version,
      description:
        'A node. Where it listens for its own machine alone, reading needs no token; from other machines everything does. Commands need the header X-Starlings and the token that lies in control.token of its directory.',
      license: { name: 'MIT OR Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths,
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  };
}
