/**
 * Strategies that mix models, and the topologies, aggregators and codecs that they are made of: ids, constants, defaults, ranges
 * and where these come from.
 */
import * as z from 'zod';
import { compressorSchema } from '../codec/compressors/registry.ts';
import { aggregatorSchema } from './aggregators/registry.ts';
import { fanout } from './topologies/fanout.ts';
import { topologySchema } from './topologies/registry.ts';

const count = (min: number, max: number) => z.int().min(min).max(max);

const aggregator = aggregatorSchema.prefault({ id: 'mean' }).describe('what becomes of those that arrive');
const codec = compressorSchema.prefault({ id: 'identity' }).describe('how vectors travel');
const topology = topologySchema.prefault({ id: 'ring' }).describe('who mixes with whom');
const linked = topologySchema
  .prefault({ id: 'epidemic-local', fanout: 3 })
  .describe('who mixes with whom; epidemic-local needs no list of peers');
const momentum = (value: number, source: string) =>
  z.number().min(0).max(0.999).default(value).describe(`of the outer step (mu); ${source}`);
const outer = (value: number, source: string) =>
  z.number().positive().max(4).default(value).describe(`outer rate (a); ${source}`);

export const mixingSchemas = [
  z.strictObject({
    id: z.literal('epidemic').describe('train, send to random peers, average what came (de Vos 2023)'),
    fanout,
    sampling: z
      .enum(['local', 'oracle'])
      .default('local')
      .describe('local: everybody picks; oracle: another regular graph each round, from a list of peers'),
    aggregator,
    codec,
  }),
  z.strictObject({
    id: z.literal('d-psgd').describe('X <- X W - lr G (Lian 2017)'),
    topology,
    aggregator,
    codec,
  }),
  z.strictObject({
    id: z.literal('ad-psgd').describe('pairs average whenever one is ready (Lian 2018)'),
    topology: linked,
    codec,
  }),
  z.strictObject({
    id: z.literal('sgp').describe('push-sum, whose mass lossy lines cannot change (Assran 2019)'),
    topology: linked,
    codec,
  }),
  z.strictObject({
    id: z.literal('gossip-learning').describe('parts of the model, merged by age (Hegedus 2021)'),
    topology: linked,
    codec,
    partitions: count(1, 256).default(4).describe('parts that travel alone'),
    tokensMin: count(1, 1000).default(1).describe('tokens from which on a part is sent unasked (A); guess'),
    tokensMax: count(1, 1000).default(4).describe('tokens kept at most (C); guess'),
  }),
  z.strictObject({
    id: z.literal('choco').describe('compressed differences to public copies (Koloskova 2019)'),
    topology,
    codec: compressorSchema.prefault({ id: 'sparse-sign' }).describe('of the differences'),
    gamma: z
      .number()
      .positive()
      .max(1)
      .default(0.05)
      .describe('consensus step; smaller for sparser codecs and worse connected graphs; guess'),
  }),
  z.strictObject({
    id: z.literal('diloco').describe('all average their deltas, Nesterov on top (Douillard 2023)'),
    aggregator,
    codec: compressorSchema
      .prefault({ id: 'identity' })
      .describe('of the deltas; all but identity with error feedback, as SparseLoCo'),
    outerRate: outer(0.7, 'Douillard 2023'),
    momentum: momentum(0.9, 'Douillard 2023'),
    residualDecay: z
      .number()
      .min(0)
      .max(1)
      .default(0.95)
      .describe('of error feedback per round; 0.95 as SparseLoCo'),
  }),
  z.strictObject({
    id: z.literal('noloco').describe('Nesterov within small groups (Kolehmainen 2025)'),
    topology: topologySchema.prefault({ id: 'random-matching' }).describe('the groups of each round'),
    aggregator,
    codec,
    outerRate: outer(0.7, 'Kolehmainen 2025'),
    momentum: momentum(0.5, 'Kolehmainen 2025'),
    consensusRate: z
      .number()
      .min(0)
      .max(4)
      .default(0.7)
      .describe('pull towards the mean of the group; the outer rate, as measured on text'),
  }),
  z.strictObject({
    id: z.literal('moshpit').describe('groups along the axes of a grid (Ryabinin 2021)'),
    dimensions: count(1, 16)
      .default(2)
      .describe('axes of the grid (D); D rounds average exactly where it is full'),
    aggregator,
    codec,
  }),
] as const;
export type MixingStrategySpec = z.infer<(typeof mixingSchemas)[number]>;
