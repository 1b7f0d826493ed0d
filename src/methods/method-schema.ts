/**
 * Strategies that mix models, and the topologies, aggregators and codecs that they are made of: ids, constants, defaults, ranges
 * and where these come from.
 */
import * as z from 'zod';
import { compressorSchema } from '../codec/compressors/registry.ts';
import { aggregatorSchema } from './aggregators/registry.ts';

const count = (min: number, max: number) => z.int().min(min).max(max);

const weights = z
  .enum(['uniform', 'metropolis-hastings'])
  .default('metropolis-hastings')
  .describe('uniform: 1 / (largest degree + 1); metropolis-hastings: 1 / (1 + larger degree of the two)');
const degree = (text: string) => count(1, 1024).describe(text);
const fanout = count(1, 64)
  .default(3)
  .describe('peers each model is sent to per round (s); de Vos 2023 uses about log2 n');

const topologyForms = {
  ring: z.strictObject({ id: z.literal('ring').describe('the two beside oneself'), weights }),
  torus: z.strictObject({
    id: z.literal('torus').describe('four on a grid whose edges meet; s x s peers'),
    weights,
  }),
  complete: z.strictObject({ id: z.literal('complete').describe('all with all') }),
  'random-regular': z.strictObject({
    id: z.literal('random-regular').describe('neighbours drawn once'),
    degree: degree('neighbours of each peer'),
    weights,
  }),
  'static-exponential': z.strictObject({
    id: z.literal('static-exponential').describe('1, 2, 4, ... ahead (Ying 2021)'),
  }),
  'one-peer-exponential': z.strictObject({
    id: z.literal('one-peer-exponential').describe('2^(t mod tau) ahead in round t (Ying 2021)'),
  }),
  'base-graph': z.strictObject({
    id: z.literal('base-graph').describe('exact averaging in few rounds for any n (Takezawa 2023)'),
    degree: degree('most neighbours in a round (k)'),
  }),
  'random-matching': z.strictObject({
    id: z.literal('random-matching').describe('pairs drawn anew each round'),
  }),
  'small-world': z.strictObject({
    id: z.literal('small-world').describe('a ring with some edges led elsewhere (Watts, Strogatz 1998)'),
    degree: degree('neighbours before rewiring; even'),
    rewiring: z.number().min(0).max(1).default(0.1).describe('chance of each edge to lead elsewhere; guess'),
    weights,
  }),
  'epidemic-oracle': z.strictObject({
    id: z.literal('epidemic-oracle').describe('another regular graph each round (de Vos 2023)'),
    fanout,
  }),
  'epidemic-local': z.strictObject({
    id: z
      .literal('epidemic-local')
      .describe(
        'whom each picks of those it is linked to, anew each round (de Vos 2023); needs no list of peers',
      ),
    fanout,
  }),
  'moshpit-grid': z.strictObject({
    id: z.literal('moshpit-grid').describe('groups along one axis of a grid (Ryabinin 2021)'),
    dimensions: count(1, 16).describe('axes (D)'),
  }),
};
export const topologySchema = z.discriminatedUnion('id', [
  topologyForms.ring,
  topologyForms.torus,
  topologyForms.complete,
  topologyForms['random-regular'],
  topologyForms['static-exponential'],
  topologyForms['one-peer-exponential'],
  topologyForms['base-graph'],
  topologyForms['random-matching'],
  topologyForms['small-world'],
  topologyForms['epidemic-oracle'],
  topologyForms['epidemic-local'],
  topologyForms['moshpit-grid'],
]);

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
