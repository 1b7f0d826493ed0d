/** Dishonest peers: what they do, how many, and since when. */
import * as z from 'zod';
import { behaviourSchema } from '../adversaries/registry.ts';

export const adversarySchema = z.strictObject({
  behaviour: behaviourSchema,
  share: z.number().min(0).max(1).optional().describe('of the peers, drawn at random'),
  peers: z.array(z.int().min(0)).min(1).max(100_000).optional().describe('in place of share: their numbers'),
  fromRound: z.number().min(0).default(0).describe('honest before: dormant'),
  falseScores: z
    .boolean()
    .default(false)
    .describe('drawn to score deltas they say the opposite of what they find, all alike'),
  friends: z
    .array(z.int().min(0))
    .min(1)
    .max(1000)
    .optional()
    .describe('numbers of the peers that they are connected with; they take no other call, and make none'),
  sybils: z
    .boolean()
    .default(false)
    .describe('all of them are one machine with one share of the data: they train one after another'),
});
export type AdversarySpec = z.infer<typeof adversarySchema>;
