/** Constants of secure aggregation: defaults, ranges and their provenance. */
import * as z from 'zod';
import { entryKindSchema } from '../../entries/registry.ts';
import { stepOrder } from '../../entries/secure-sum/sum-kind.ts';
import { kindsMax } from '../../log/envelope.ts';

/** What needs to see single deltas is refused with the reason, as nobody does. */
function notHere(message: string) {
  return z.never({ error: message }).optional().describe(`refused: ${message}`);
}

/** Beside the kinds that sums are made of. */
const otherKindsMax = kindsMax - stepOrder.length;

export const secureAggregationSchema = z.strictObject({
  id: z
    .literal('secure-aggregation')
    .describe('members see the sum of what they learned and no single part of it (docs/PRIVACY.md)'),
  committeeSize: z
    .int()
    .min(4)
    .max(64)
    .default(16)
    .describe('members drawn for each epoch (M); all, while there are no more'),
  corrupt: z
    .int()
    .min(1)
    .max(31)
    .nullable()
    .default(null)
    .describe('so many of a committee may lie together, and learn nothing (f); null: the most below a third'),
  threshold: z
    .int()
    .min(2)
    .max(64)
    .nullable()
    .default(null)
    .describe(
      'so many vectors there must be, and so many shares open a secret (t), with t > f and 2 t - f > M; null: the least',
    ),
  cycle: z
    .int()
    .min(1)
    .max(4096)
    .default(4)
    .describe(
      'the vectors of an epoch have one coordinate in so many, and all have come after so many epochs; 4 measured with LoRA, 16 for less traffic',
    ),
  everyRounds: z
    .int()
    .min(1)
    .max(1024)
    .default(1)
    .describe(
      'rounds from the beginning of an epoch to that of the next; several are under way at a time; guess',
    ),
  range: z
    .number()
    .positive()
    .max(1024)
    .default(0.25)
    .describe(
      'largest change of a coordinate by one member in one epoch: what is beyond waits for the next; guess',
    ),
  outerRate: z
    .number()
    .positive()
    .max(4)
    .default(1)
    .describe('what the mean of the vectors is multiplied by; 1 measured: others diverged'),
  residualDecay: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe('of what waits to be sent, per round; 1 measured: with .95 it stalls'),
  headStart: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe('part of what it has learned and not seen arrive by which a member trains ahead of the model'),
  windowRounds: z
    .int()
    .min(3)
    .max(64)
    .default(4)
    .describe(
      'a round is final this many rounds later (K); a sum takes three of them and admitRounds; guess',
    ),
  admitRounds: z
    .int()
    .min(1)
    .max(32)
    .default(2)
    .describe(
      'first-hand entries this many rounds old are still admitted: so late a step may be taken; guess',
    ),
  snapshotRounds: z
    .int()
    .min(1)
    .max(4096)
    .default(16)
    .describe('rounds between snapshots offered to late joiners; guess'),
  kinds: z
    .array(entryKindSchema)
    .max(otherKindsMax)
    .prefault([{ id: 'note' }])
    .describe('what is logged besides'),
  judging: notHere(
    'nobody can score or vote on deltas that nobody sees: `judging` goes with delta-log; here members are named, and answer for what they send',
  ),
  audits: notHere(
    'nobody can train a delta again and compare it that nobody sees, and what an auditor is shown would be what is hidden: `audits` go with delta-log',
  ),
  alliance: notHere(
    'votes on whole rounds take back deltas, and of sums that is not built yet: `alliance` goes with delta-log',
  ),
  clipFactor: notHere(
    'nobody can clip deltas that nobody sees: what bounds a member is `range`, for each coordinate; `clipFactor` goes with delta-log',
  ),
  normMax: notHere(
    'nobody can clip deltas that nobody sees: what bounds a member is `range`, for each coordinate; `normMax` goes with delta-log',
  ),
});
export type SecureAggregationSpec = z.infer<typeof secureAggregationSchema>;
