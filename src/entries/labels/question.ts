/** What the annotators of a project are asked of each record. */
import * as z from 'zod';
import type { Metric } from '../../math/agreement.ts';
import { unionBy } from '../../registry/registry.ts';
import { linesMislead } from '../plain-text.ts';
import { line } from '../record-kind.ts';
import { spansCharactersMax, spansOf } from './spans.ts';

const choiceCharactersMax = 48;
const ratingTop = 10;
const textCharactersMax = 500;
/** Of a value of any question, as it is written. */
export const valueCharactersMax = Math.max(choiceCharactersMax, spansCharactersMax, textCharactersMax);

const text = line(200).describe('the question, as annotators read it');
const names = z.array(line(choiceCharactersMax)).max(32);

/** What two different answers mean: how far apart values are, which parts two spans lists share, or nothing but that they are different. */
export type Comparison = Metric | 'spans' | 'exact';

/** How it is answered: one of several is chosen, parts of the text are marked, or words are written. */
export type AnswerWay = 'choose' | 'mark' | 'write';

type KindSchema = z.ZodObject<{ kind: z.ZodLiteral<string> }>;

interface QuestionKind<Schema extends KindSchema> {
  readonly schema: Schema;
  /** What an annotator chooses from, in the order in which it is shown: answers, or what a part of a text may be; none for free text. */
  choices(question: z.infer<Schema>): readonly string[];
  /** Whether an answer can read so. */
  takes(question: z.infer<Schema>, value: string): boolean;
  /** Of a value as it is written, in UTF-8: three at most for each code unit of UTF-16. */
  valueBytesMax(question: z.infer<Schema>): number;
  /** Answers as a question may have them, all different. */
  samples(question: z.infer<Schema>): readonly [string, string];
  readonly way: AnswerWay;
  readonly comparison: Comparison;
  /** A record is two texts, of which one is preferred. */
  readonly takesTwo: boolean;
}

function defineQuestion<Schema extends KindSchema>(kind: QuestionKind<Schema>): QuestionKind<Schema> {
  return kind;
}

/** Of which one is chosen. */
function defineChoice<Schema extends KindSchema>(
  kind: Pick<QuestionKind<Schema>, 'schema' | 'choices' | 'takesTwo'> & { readonly comparison: Metric },
): QuestionKind<Schema> {
  return defineQuestion({
    ...kind,
    way: 'choose',
    takes: (question, value) => kind.choices(question).includes(value),
    valueBytesMax: () => 3 * choiceCharactersMax,
    samples: (question) => kind.choices(question).slice(0, 2) as unknown as [string, string],
  });
}

const choice = defineChoice({
  schema: z.strictObject({
    kind: z.literal('choice').describe('one of several names'),
    text,
    choices: names.min(2).describe('what it may be, all different'),
  }),
  choices: ({ choices }) => choices,
  comparison: 'nominal',
  takesTwo: false,
});

const rating = defineChoice({
  schema: z.strictObject({
    kind: z.literal('rating').describe('a whole number'),
    text,
    from: z.int().min(0).max(1).describe('the lowest'),
    to: z.int().min(2).max(ratingTop).describe('the highest'),
  }),
  choices: ({ from, to }) => Array.from({ length: to - from + 1 }, (_, at) => String(from + at)),
  comparison: 'ordinal',
  takesTwo: false,
});

const preference = defineChoice({
  schema: z.strictObject({
    kind: z.literal('preference').describe('which of two texts is better'),
    text,
  }),
  choices: () => ['first', 'second', 'neither'],
  comparison: 'nominal',
  takesTwo: true,
});

const span = defineQuestion({
  schema: z.strictObject({
    kind: z.literal('span').describe('parts of the text, each with what it is; none overlaps another'),
    text,
    labels: names.min(1).describe('what a part may be, all different'),
  }),
  choices: ({ labels }) => labels,
  takes: ({ labels }, value) => spansOf(value, labels.length) !== null,
  valueBytesMax: () => spansCharactersMax,
  samples: () => ['[]', '[[0,5,0]]'],
  way: 'mark',
  comparison: 'spans',
  takesTwo: false,
});

const free = defineQuestion({
  schema: z.strictObject({
    kind: z.literal('text').describe('words of the annotator'),
    text,
    charactersMax: z.int().min(1).max(textCharactersMax).default(200).describe('of an answer; guess'),
  }),
  choices: () => [],
  takes: ({ charactersMax }, value) =>
    value.length <= charactersMax && value !== '' && value.trim() === value && !linesMislead(value),
  valueBytesMax: ({ charactersMax }) => 3 * charactersMax,
  samples: () => ['a', 'b'],
  way: 'write',
  comparison: 'exact',
  takesTwo: false,
});

const questionKinds = [choice, rating, preference, span, free] as const;

export const questionSchema = unionBy('kind', questionKinds).superRefine((question, context) => {
  const choices = choicesOf(question);
  if (new Set(choices).size < choices.length)
    context.addIssue({
      code: 'custom',
      message: 'must offer each answer once',
      path: ['labels' in question ? 'labels' : 'choices'],
    });
});
export type Question = z.infer<(typeof questionKinds)[number]['schema']>;

function kindOf(question: Question): QuestionKind<KindSchema> {
  return questionKinds.find(({ schema }) => schema.shape.kind.value === question.kind) as never;
}

export function choicesOf(question: Question): readonly string[] {
  return kindOf(question).choices(question as never);
}

export function isAnswer(question: Question, value: string): boolean {
  return kindOf(question).takes(question as never, value);
}

export function valueBytesMax(question: Question): number {
  return kindOf(question).valueBytesMax(question as never);
}

export function sampleAnswers(question: Question): readonly [string, string] {
  return kindOf(question).samples(question as never);
}

export function comparisonOf(question: Question): Comparison {
  return kindOf(question).comparison;
}

export function wayOf(question: Question): AnswerWay {
  return kindOf(question).way;
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
