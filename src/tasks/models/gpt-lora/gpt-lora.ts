import * as z from 'zod';
import { type GptSpec, gpt, gptFields } from '../gpt/gpt.ts';
import type { ModelKind } from '../model-kind.ts';
import { count } from '../parts/fields.ts';

/** Dense layers of a transformer block that may get an adapter: inputs and outputs, in widths of the residual stream. */
const targets = {
  attention_in: [1, 3],
  attention_out: [1, 1],
  feed_in: [1, 4],
  feed_out: [4, 1],
} as const;
const targetNames = Object.keys(targets) as (keyof typeof targets)[];

const schema = z.strictObject({
  kind: z
    .literal('gpt-lora')
    .describe(
      'low-rank adapters on a trained gpt, which stays as it is: only the adapters are trained and gossiped',
    ),
  ...gptFields,
  rank: count(1, 256).default(8).describe('of the adapters'),
  alpha: z.number().positive().max(1024).default(16).describe('an adapter is scaled by alpha / rank'),
  targets: z
    .array(z.enum(targetNames))
    .min(1)
    .default([...targetNames])
    .refine((names) => new Set(names).size === names.length, 'each layer once')
    .describe('dense layers of each block that get one'),
});
export type GptLoraSpec = z.infer<typeof schema>;

/** Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021 (arXiv 2106.09685): W x becomes W x + (alpha / rank) B A x. */
export const gptLora: ModelKind<typeof schema> = {
  kind: 'gpt-lora',
  schema,
  examples: [
    {
      ...{ kind: 'gpt-lora', context: 8, layers: 2, heads: 2, width: 12, rank: 2, alpha: 4 },
      targets: ['attention_in', 'feed_out'],
    },
  ],
  takes: () => 'bytes',
  exampleShape: ({ context }) => [context],
  outputs: (model) => gpt.outputs(baseOf(model)),
  // A as `peft` draws it, uniform with bound 1 / sqrt(inputs); B of zeros, so that training begins at the frozen model.
  layout: (model, layout) => {
    for (const { name, inputs, units } of adaptersOf(model)) {
      const bound = 1 / Math.sqrt(inputs);
      layout.add(`${name}/lora_a`, [inputs, model.rank], { kind: 'uniform', bound });
      layout.add(`${name}/lora_b`, [model.rank, units], { kind: 'zeros' });
    }
  },
  frozen: baseOf,
  merge: async (model, frozen, adapters) => {
    const { mergeAdapters } = await import('./merge-adapters.ts');
    return mergeAdapters(model, frozen, adapters);
  },
  impossible: (model) => gpt.impossible!(baseOf(model)),
  rowsPerPass: gpt.rowsPerPass,
  loadForward: () => import('./gpt-lora-forward.ts'),
};

export interface Adapter {
  /** Of the dense layer that it belongs to. */
  readonly name: string;
  readonly inputs: number;
  readonly units: number;
}

/** In the order of the layout. */
export function adaptersOf({ layers, width, targets: chosen }: GptLoraSpec): Adapter[] {
  return Array.from({ length: layers }, (_, block) =>
    targetNames
      .filter((name) => chosen.includes(name))
      .map((name) => {
        const [inputs, units] = targets[name];
        return { name: `block_${block}/${name}`, inputs: inputs * width, units: units * width };
      }),
  ).flat();
}

/** The model that stays as it is. */
export function baseOf({ context, layers, heads, width }: GptLoraSpec): GptSpec {
  return { kind: 'gpt', context, layers, heads, width };
}
