/** Constants of a log that is kept for what people write into it. */
import * as z from 'zod';
import { entryKindSchema } from '../../entries/registry.ts';
import { kindsMax } from '../../log/envelope.ts';

export const entryLogSchema = z.strictObject({
  id: z
    .literal('log')
    .describe(
      'keeps what people write, and trains nothing: a registry of models, an arena (docs/COMMUNITY.md)',
    ),
  windowRounds: z
    .int()
    .min(3)
    .max(64)
    .default(4)
    .describe('a round is final this many rounds later (K); guess'),
  admitRounds: z
    .int()
    .min(1)
    .max(32)
    .default(1)
    .describe(
      'first-hand entries this many rounds old are still admitted: whoever sees what another wrote can date its own back by as much; guess',
    ),
  snapshotRounds: z
    .int()
    .min(1)
    .max(4096)
    .default(64)
    .describe('rounds between snapshots offered to late joiners; guess'),
  kinds: z.array(entryKindSchema).min(1).max(kindsMax).describe('what is logged'),
});
export type EntryLogSpec = z.infer<typeof entryLogSchema>;
