/** What may be asked of served models, and the same as OpenAPI 3.1. */
import * as z from 'zod';
import { packageVersion } from '../platform/node/package-root.ts';

const model = z.string().min(1).max(256).describe('as /v1/models lists it');
const stop = z.string().min(1).max(64);

/** Of OpenAI's fields those that mean something here; what would change the answer and is not done is refused, all else passed over. */
export const completionSchema = z.object({
  model,
  prompt: z.union([z.string().max(32_768), z.array(z.string().max(32_768)).length(1)]),
  max_tokens: z.int().min(1).max(4096).default(16).describe('bytes: a token is one'),
  temperature: z.number().min(0).max(2).default(1),
  seed: z.int().min(0).max(0xffff_ffff).default(1),
  stop: z.union([stop, z.array(stop).max(4)]).nullish(),
  stream: z.boolean().nullish().transform(Boolean),
  n: z.literal(1).nullish(),
  best_of: z.literal(1).nullish(),
  echo: z.literal(false).nullish(),
  logprobs: z.null().optional(),
  suffix: z.null().optional(),
});

/** In the units of the data, as training read them; null is missing. */
export const predictSchema = z.strictObject({
  model,
  rows: z.array(z.array(z.number().nullable()).min(1)).min(1).max(1024),
});

export const feedbackSchema = z.strictObject({
  model,
  rating: z.int().min(1).max(5),
  text: z.string().min(1).max(280).optional(),
});

function posting(summary: string, schema: z.ZodType) {
  const { $schema: _, ...body } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return {
    post: {
      summary,
      requestBody: { required: true, content: { 'application/json': { schema: body } } },
      responses: {
        '200': { description: 'as asked' },
        default: { description: '`error`, with message, type and code' },
      },
    },
  };
}

const getting = (summary: string) => ({
  get: { summary, responses: { '200': { description: 'as asked' } } },
});

export function modelOpenApi() {
  return {
    openapi: '3.1.0',
    info: { title: 'starlings: served models', version: packageVersion() },
    paths: {
      '/v1/models': getting('models that are served'),
      '/v1/completions': posting('a language model goes on with a text', completionSchema),
      '/predict': posting('what a model says of rows', predictSchema),
      '/feedback': posting(
        'what you think of a model, handed on to the registry that it is of',
        feedbackSchema,
      ),
      '/health': getting('whether it is there'),
    },
  };
}
