/** Constants of the default method: defaults, ranges and their provenance. */
import * as z from 'zod';
import { compressorSchema } from '../../codec/compressors/registry.ts';
import { auditsSchema } from '../../entries/audit/audit-kind.ts';
import { allianceSchema } from '../../entries/ballot/ballot-kind.ts';
import { judgingSchema } from '../../entries/judging-registry.ts';
import { entryKindSchema } from '../../entries/registry.ts';
import { kindsMax } from '../../log/envelope.ts';

const peerPrivacySchema = z.strictObject({
  epsilon: z
    .number()
    .positive()
    .max(1000)
    .describe('budget of each peer over the whole run: its data as a whole is hidden by so much'),
  delta: z
    .number()
    .positive()
    .max(0.01)
    .default(1e-5)
    .describe('probability with which that may fail; less than one over the number of peers'),
  clipNorm: z.number().positive().max(1e6).describe('largest norm of what a peer sends at once, noise aside'),
  publications: z
    .int()
    .min(1)
    .max(1_000_000)
    .describe(
      'deltas that a peer may publish; with more noise in each the more there are. About rounds times committeeSize over peers, and some more: it is drawn by lot',
    ),
});
export type PeerPrivacySpec = z.infer<typeof peerPrivacySchema>;

export const deltaLogSchema = z.strictObject({
  id: z.literal('delta-log'),
  codec: compressorSchema.prefault({ id: 'sparse-sign' }).describe('of the deltas, with error feedback'),
  residualDecay: z
    .number()
    .min(0)
    .max(1)
    .default(0.95)
    .describe('of error feedback per round; 0.95 measured'),
  committeeSize: z
    .int()
    .min(1)
    .max(256)
    .default(16)
    .describe('expected publishers per round (M); everyone while peers <= M'),
  expectedPeers: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(8)
    .describe('guess at the number of peers until the log tells it'),
  windowRounds: z
    .int()
    .min(3)
    .max(64)
    .default(6)
    .describe('a round is final this many rounds later (K); guess'),
  admitRounds: z
    .int()
    .min(1)
    .max(32)
    .default(3)
    .describe('first-hand deltas this many rounds old are still admitted; guess'),
  clipFactor: z
    .number()
    .min(1)
    .max(1000)
    .default(3)
    .describe('norms are clipped to this times the median of the round, by standing; guess'),
  normMax: z
    .number()
    .positive()
    .max(1e9)
    .nullable()
    .default(null)
    .describe('norms are clipped to this in any case; null: the norm of the start vector, at least 1'),
  outerRate: z
    .number()
    .positive()
    .max(4)
    .nullable()
    .default(null)
    .describe(
      'null: min(1/sqrt(m), 4/m) for m publishers, measured on MNIST with 8 to 32 peers; 1 with overlap mean',
    ),
  overlap: z
    .enum(['sum', 'mean'])
    .default('sum')
    .describe(
      'what deltas of one round that name the same coordinate do together: their sum, or the mean over those that name it, measured on text',
    ),
  headStart: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('part of its own unsent residual by which the training of a peer starts ahead of the model'),
  snapshotRounds: z
    .int()
    .min(1)
    .max(4096)
    .default(16)
    .describe('rounds between snapshots offered to late joiners; guess'),
  judgingRounds: z
    .int()
    .min(0)
    .max(32)
    .default(0)
    .describe(
      'final deltas wait so many rounds for what judges them before they move the model (J); 0: nobody judges',
    ),
  judging: judgingSchema
    .nullable()
    .optional()
    .describe(
      'by what members judge the deltas of others; null: nobody judges. Left out, a run that names an `evaluation` is made with scores, and ' +
        'one that anybody may join with votes; in a manifest, nobody judges',
    ),
  audits: auditsSchema
    .optional()
    .describe(
      'members train drawn deltas of others again, on examples that everybody has; left out: nobody does',
    ),
  alliance: allianceSchema
    .optional()
    .describe(
      'members vote on whole rounds, by data of their own, and roll back those that made the model worse; for runs of members, with ' +
        '`judgingRounds` of at least 2 admitRounds + 3; left out: nobody does',
    ),
  peerPrivacy: peerPrivacySchema
    .optional()
    .describe(
      'each peer clips what it sends and adds noise, so that nobody learns whether it took part or with what data; for runs of thousands. Left out: it does not',
    ),
  kinds: z
    .array(entryKindSchema)
    .max(kindsMax - 1)
    .prefault([{ id: 'note' }])
    .describe('what is logged besides deltas'),
});
export type DeltaLogSpec = z.infer<typeof deltaLogSchema>;
