/** The forms of what is told live, for who hears it from another process. */
import * as z from 'zod';
import { WEIGHED_BY } from '../core/io.ts';
import { nodeSettingsSchema } from '../node/view/node-reader.ts';
import { type RunView, runViewSchema } from '../node/view/run-view.ts';
import { TONES } from '../node/words/event-text.ts';

const measured = z.number().nullable();

const figures = z.object({
  loss: measured,
  accuracy: measured,
  heldOutLoss: measured,
  /** Left out by older versions. */
  measures: z.record(z.string(), z.number()).nullable().default(null),
  bytesIn: measured,
  bytesOut: measured,
  lag: measured,
  behind: measured,
});

const headSchema = z.object({ round: z.int(), root: z.string(), entries: z.int() });

const weighedSchema = z.object({
  round: z.int(),
  vote: z
    .object({
      outcome: z.enum(['stands', 'rolled-back', 'no-quorum']),
      growth: measured,
      said: z.int(),
      voters: z.int(),
      silent: z.array(z.string()),
      far: z.array(z.string()),
    })
    .nullable(),
  deltas: z.array(z.object({ author: z.string(), weight: z.number(), why: z.enum(WEIGHED_BY) })),
});

export const historySchema = z.object({
  /** Rounds that a point stands for. */
  stride: z.int().positive(),
  points: z.array(figures.extend({ round: z.int() })),
  heads: z.array(headSchema),
  /** Left out by older versions. */
  weighed: z.array(weighedSchema).default([]),
});

const eventSchema = z.object({
  atMs: z.number(),
  node: z.string(),
  runId: z.string().nullable(),
  tone: z.enum(TONES),
  text: z.string(),
});

const nodeSchema = z.object({
  id: z.string(),
  name: z.string(),
  peerKey: z.string().nullable(),
  isUp: z.boolean(),
  settings: nodeSettingsSchema.nullable(),
  runs: z.array(z.object({ view: runViewSchema, history: historySchema })),
});

export const helloSchema = z.object({
  nodes: z.array(nodeSchema),
  events: z.array(eventSchema),
});

const noteSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('figures'), round: z.int(), figures: figures.partial() }),
  z.object({ kind: z.literal('head'), head: headSchema }),
  z.object({ kind: z.literal('weighed'), weighed: weighedSchema }),
]);

/** Without what stands in for what older nodes leave out: here that means that it did not change. */
const viewFields = Object.fromEntries(
  Object.entries(runViewSchema.shape).map(([name, field]) => [
    name,
    (field instanceof z.ZodDefault ? (field.unwrap() as z.ZodType) : field).optional(),
  ]),
) as { [Field in keyof RunView]: z.ZodOptional<z.ZodType<RunView[Field]>> };

export const updateSchema = z.object({
  node: z.string(),
  renewed: nodeSchema.optional(),
  isUp: z.boolean().optional(),
  views: z.array(runViewSchema).optional(),
  changes: z.array(z.object({ runId: z.string(), fields: z.object(viewFields) })).optional(),
  notes: z.array(z.object({ runId: z.string(), note: noteSchema })).optional(),
  pulses: z.array(z.string()).optional(),
  events: z.array(eventSchema).optional(),
  untold: z.int().optional(),
});
