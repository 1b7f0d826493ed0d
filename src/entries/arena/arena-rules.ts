/** What the kinds of an arena have in common: who holds hidden shards, which round is for what, what a submission may be. */
import * as z from 'zod';
import { key } from '../record-kind.ts';

const lastRound = z.int().min(0).max(0x7fff_ffff);

export const holdersMax = 32;
/** Examples of a shard: a bit each in what its holder reveals. */
const examplesMax = 8192;

export const shardSchema = z.strictObject({
  holder: key.describe('key of the node that holds it'),
  root: key.describe('Merkle root of the file, so that it cannot be another one afterwards'),
  bytes: z
    .int()
    .min(1)
    .max(1 << 30)
    .describe('its length'),
  examples: z.int().min(1).max(examplesMax).describe('that are in it'),
});
export type Shard = z.infer<typeof shardSchema>;

export const submissionRules = {
  untilRound: lastRound.describe('last round in which models are submitted'),
  bytesMax: z
    .int()
    .min(64)
    .max(1 << 30)
    .default(64 << 20)
    .describe('bytes of a model file'),
  bytesPerAuthor: z
    .int()
    .min(64)
    .max(2 ** 40)
    .default(128 << 20)
    .describe('bytes of all model files of an author: holders keep a copy of each; guess'),
  bytesInAll: z
    .int()
    .min(64)
    .max(2 ** 40)
    .default(2 ** 32)
    .describe('bytes of the model files of all; guess'),
  parametersMax: z
    .int()
    .min(1)
    .max(2 ** 28)
    .default(16_000_000)
    .describe('parameters of a model; guess'),
  multiplyAddsMax: z
    .int()
    .min(1)
    .max(2 ** 40)
    .default(100_000_000)
    .describe(
      'multiply-adds of a model for one example, by its description: each holder computes it on every shard; guess',
    ),
  activationBytesMax: z
    .int()
    .min(1)
    .max(2 ** 34)
    .default(256 << 20)
    .describe('bytes of the values of all its layers in one pass of an evaluation; guess'),
  perAuthor: z.int().min(1).max(64).default(4).describe('submissions of an author'),
  kept: z.int().min(1).max(1024).default(1024).describe('submissions that the arena takes; more are refused'),
};

export const commitRules = {
  shards: z.array(shardSchema).min(1).max(holdersMax).describe('hidden test sets, each with its holder'),
  untilRound: lastRound.describe(
    'last round in which holders commit to their scores, after the last for submissions',
  ),
};

export const revealRules = {
  untilRound: lastRound.describe('last round in which they reveal them, after the last for commitments'),
};

export const recountRules = {
  untilRound: lastRound.describe('last round in which holders say whether the scores of others are right'),
};

/** What a model may take to be computed. */
export const computeLimits = {
  parametersMax: submissionRules.parametersMax,
  multiplyAddsMax: submissionRules.multiplyAddsMax,
  activationBytesMax: submissionRules.activationBytesMax,
};
