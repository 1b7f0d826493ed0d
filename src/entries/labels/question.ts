/** What the annotators of a project are asked of each record. */
import * as z from 'zod';
import type { Metric } from '../../math/agreement.ts';
import { unionBy } from '../../registry/registry.ts';
import { linesMislead } from '../plain-text.ts';
import { line } from '../record-kind.ts';

/** Of a value as it is written, in characters. */
export const valueCharactersMax = 48;
const ratingTop = 10;

const text = line(200).describe('the question, as annotators read it');

interface QuestionKind<Schema extends z.ZodObject<{ kind: z.ZodLiteral<string> }>> {
  readonly schema: Schema;
  /** What may be answered, in the order in which it is shown. */
  values(question: z.infer<Schema>): readonly string[];
  /** What two different answers mean. */
  readonly metric: Metric;
  /** A record is two texts, of which one is preferred. */
  readonly takesTwo: boolean;
}

function defineQuestion<Schema extends z.ZodObject<{ kind: z.ZodLiteral<string> }>>(
  kind: QuestionKind<Schema>,
): QuestionKind<Schema> {
  return kind;
}

const choice = defineQuestion({
  schema: z.strictObject({
    kind: z.literal('choice').describe('one of several names'),
    text,
    choices: z.array(line(valueCharactersMax)).min(2).max(32).describe('what it may be, all different'),
  }),
  values: ({ choices }) => choices,
  metric: 'nominal',
  takesTwo: false,
});

const rating = defineQuestion({
  schema: z.strictObject({
    kind: z.literal('rating').describe('a whole number'),
    text,
    from: z.int().min(0).max(1).describe('the lowest'),
    to: z.int().min(2).max(ratingTop).describe('the highest'),
  }),
  values: ({ from, to }) => Array.from({ length: to - from + 1 }, (_, at) => String(from + at)),
  metric: 'ordinal',
  takesTwo: false,
});

const preference = defineQuestion({
  schema: z.strictObject({
    kind: z.literal('preference').describe('which of two texts is better'),
    text,
  }),
  values: () => ['first', 'second', 'neither'],
  metric: 'nominal',
  takesTwo: true,
});

const questionKinds = [choice, rating, preference] as const;

export const questionSchema = unionBy('kind', questionKinds).superRefine((question, context) => {
  const values = valuesOf(question);
  if (new Set(values).size < values.length)
    context.addIssue({ code: 'custom', message: 'must offer each answer once', path: ['choices'] });
});
export type Question = z.infer<(typeof questionKinds)[number]['schema']>;

function kindOf(question: Question): QuestionKind<z.ZodObject<{ kind: z.ZodLiteral<string> }>> {
  return questionKinds.find(({ schema }) => schema.shape.kind.value === question.kind) as never;
}

export function valuesOf(question: Question): readonly string[] {
  return kindOf(question).values(question as never);
}

export function metricOf(question: Question): Metric {
  return kindOf(question).metric;
}

export function takesTwo(question: Question): boolean {
  return kindOf(question).takesTwo;
}

/** Several lines that people read. */
export const guidelinesSchema = z
  .string()
  .max(8192)
  .refine((said) => !linesMislead(said), {
    message: 'must have no characters that control a terminal or are seen by nobody',
  });
