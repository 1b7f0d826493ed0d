/** What is said of a model that is published: how it is found, what it is, where it comes from. */
import * as z from 'zod';
import { cardProblem } from '../plain-text.ts';
import { key, line } from '../record-kind.ts';

export const modelName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be lower-case letters, digits, dots and dashes, 63 at most');
export const modelVersion = z
  .string()
  .regex(/^[0-9A-Za-z][0-9A-Za-z.+-]{0,31}$/, 'must be letters, digits, dots, + and -, 32 at most');
const word = z.string().regex(/^[\w.+ ()-]{1,64}$/, 'must be letters, digits and . + - _ ( )');
const runId = z.string().regex(/^[a-z0-9]{1,128}$/, 'is no run id');

const titleSchema = z.strictObject({ name: modelName, version: modelVersion });

/** As large as what travels with a run. */
const blobBytesMax = 1 << 30;
/** Of UTF-8, whatever a run says. */
export const cardBytesTop = 16 * 1024;

export const publicationSchema = z.strictObject({
  ...titleSchema.shape,
  /** Merkle root of the file, and its length. */
  root: key,
  bytes: z.int().min(1).max(blobBytesMax),
  /** Kinds of model and of task. */
  kind: word,
  task: word,
  licence: word,
  metrics: z
    .array(
      z.strictObject({
        name: word,
        value: z.number(),
        /** What it was measured on. */
        data: line(120),
        examples: z.int().min(1).optional(),
      }),
    )
    .max(16),
  lineage: z.strictObject({
    /** What it was made of. */
    parent: titleSchema.optional(),
    run: z.strictObject({ id: runId, round: z.int().min(0) }).optional(),
    /** An arena, and the entry by which the model was submitted to it. */
    arena: z.strictObject({ id: runId, submission: key }).optional(),
  }),
  /** Markdown. */
  card: z.string().superRefine((text, context) => {
    const problem =
      new TextEncoder().encode(text).length > cardBytesTop
        ? `must have at most ${cardBytesTop} bytes`
        : cardProblem(text);
    if (problem !== null) context.addIssue({ code: 'custom', message: problem });
  }),
});
export type Publication = z.infer<typeof publicationSchema>;

/** Of all but the card, encoded: 16 metrics are most of it. */
export const aboutBytesMax = 8 * 1024;
