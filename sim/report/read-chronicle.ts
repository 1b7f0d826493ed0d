import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { ConfigError } from '../../src/config/config-error.ts';
import { parseLongJson } from '../../src/core/parse-json.ts';
import type { Chronicle } from '../chronicle.ts';

const measured = z.number().nullable();

const chronicleSchema = z.object({
  format: z.literal('starlings-simulation/1'),
  name: z.string(),
  scenario: z.unknown(),
  result: z.record(z.string(), z.unknown()),
  rows: z.array(
    z.object({
      round: z.number(),
      virtualSeconds: z.number(),
      living: z.number(),
      lossMean: measured,
      accuracy: measured,
      heldOutLoss: measured,
      // Absent in records of earlier versions.
      measure: measured.default(null),
      consensusDistance: measured,
      bytesSent: z.number(),
      bytesReceived: z.number(),
      stalenessMean: measured,
      utilisation: z.number(),
      published: z.number(),
      skipped: z.number(),
    }),
  ),
  nodes: z.array(
    z.object({
      peer: z.number(),
      x: z.number(),
      y: z.number(),
      region: z.string(),
      adversary: z.string().nullable(),
    }),
  ),
  frames: z.array(
    z.object({
      round: z.number(),
      virtualSeconds: z.number(),
      living: z.array(z.number()),
      edges: z.array(z.tuple([z.number(), z.number()])),
    }),
  ),
});

/** Reads what `starlings sim --record` wrote. @throws ConfigError that names the file and what is wrong with it */
export async function readChronicle(file: string): Promise<Chronicle> {
  const content = parseLongJson(await readFile(file, 'utf8'));
  if (content === undefined)
    throw new ConfigError(
      'UNREADABLE_CONFIG',
      `${file}: cannot be read as JSON, or is more than any record is`,
    );
  const parsed = chronicleSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ConfigError(
    'BAD_CONFIG',
    `${file}: is not a record of \`starlings sim --record\`: ${issue?.path.join('.') || 'the whole'}: ${issue?.message}`,
  );
}
