import * as z from 'zod';
import { defineMixingMethod } from '../mixing/define-mixing-method.ts';
import { codec, linked } from '../mixing/fields.ts';
import { gossipLearning as createPeer } from './gossip-learning.ts';

export const gossipLearning = defineMixingMethod({
  id: 'gossip-learning',
  schema: z.strictObject({
    id: z.literal('gossip-learning').describe('parts of the model, merged by age (Hegedus 2021)'),
    topology: linked,
    codec,
    partitions: z.int().min(1).max(256).default(4).describe('parts that travel alone'),
    tokensMin: z
      .int()
      .min(1)
      .max(1000)
      .default(1)
      .describe('tokens from which on a part is sent unasked (A); guess'),
    tokensMax: z.int().min(1).max(1000).default(4).describe('tokens kept at most (C); guess'),
  }),
  examples: [{ id: 'gossip-learning', partitions: 2 }],
  topology: (spec) => spec.topology,
  topologyField: 'topology',
  bearsColumnStochastic: true,
  compresses: false,
  sendsModels: false,
  impossible: ({ tokensMin, tokensMax }) =>
    tokensMin > tokensMax
      ? { path: ['tokensMin'], message: `must not exceed tokensMax (${tokensMax})` }
      : null,
  createPeer: (spec, parts) => createPeer(parts.initial, spec, parts.random),
});
