import * as z from 'zod';
import type { ModelKind } from '../model-kind.ts';
import { count } from '../parts/fields.ts';
import { withDeviation } from '../parts/layout-builder.ts';

/** Its shape, which adapters on it have too. */
export const gptFields = {
  context: count(8, 4096).default(128).describe('bytes that a prediction looks back on'),
  layers: count(1, 48).default(4).describe('transformer blocks'),
  heads: count(1, 64).default(4).describe('attention heads; must divide width'),
  width: count(8, 4096).default(128).describe('of the residual stream'),
};

const schema = z.strictObject({
  kind: z.literal('gpt').describe('byte-level transformer as GPT-2, embedding tied to the logits'),
  ...gptFields,
});
export type GptSpec = z.infer<typeof schema>;

const vocabulary = 256;

/** Standard deviation of the start values of GPT-2 (Radford et al., "Language models are unsupervised multitask learners", 2019). */
const deviation = 0.02;

export const gpt: ModelKind<typeof schema> = {
  kind: 'gpt',
  schema,
  examples: [{ kind: 'gpt', context: 8, layers: 2, heads: 2, width: 12 }],
  takes: () => 'bytes',
  exampleShape: ({ context }) => [context],
  outputs: () => vocabulary,
  // GPT-2 with the logits' matrix tied to the embedding; what writes into the residual stream starts smaller with depth.
  layout: ({ width, context, layers }, layout) => {
    const plain = withDeviation(deviation);
    const residual = withDeviation(deviation / Math.sqrt(2 * layers));
    layout.add('token_embedding', [vocabulary, width], plain);
    layout.add('position_embedding', [context, width], plain);
    for (let index = 0; index < layers; index++) {
      const name = `block_${index}`;
      layout.norm(`${name}/norm_0`, width);
      layout.dense(`${name}/attention_in`, width, 3 * width, plain);
      layout.dense(`${name}/attention_out`, width, width, residual);
      layout.norm(`${name}/norm_1`, width);
      layout.dense(`${name}/feed_in`, width, 4 * width, plain);
      layout.dense(`${name}/feed_out`, 4 * width, width, residual);
    }
    layout.norm('norm', width);
  },
  impossible: ({ heads, width }) =>
    width % heads === 0 ? null : { path: ['model', 'heads'], message: `must divide model.width (${width})` },
  starter: () => ({
    model: { kind: 'gpt', context: 128, layers: 4, heads: 4, width: 128 },
    training: {
      localSteps: 10,
      batchSize: 8,
      learningRate: 0.001,
      optimiser: { id: 'adamw' },
      schedule: { id: 'cosine', warmUpSteps: 100, finalFraction: 0.1 },
      clipNorm: 1,
    },
    rounds: 200,
    slotMs: 4000,
  }),
  rowsPerPass: 8,
  loadForward: () => import('./gpt-forward.ts'),
  loadGraph: () => import('./gpt-graph.ts'),
};
