/** What a page for annotators is told, and what it says. */
import * as z from 'zod';
import { hex32 } from '../core/bytes.ts';
import { answerMsMax } from '../entries/labels/answer-kind.ts';
import { type AnswerWay, valueCharactersMax } from '../entries/labels/question.ts';

export interface LabelCard {
  /** Hash of the record. */
  readonly record: string;
  readonly text: string;
  /** The second of two, where one is preferred. */
  readonly other: string | null;
  /** What a model takes it for; null where there is none, or it is hidden. */
  readonly suggestion: string | null;
}

export interface DisputedCard extends LabelCard {
  /** How often each value was answered; the most frequent ones. */
  readonly tally: Readonly<Record<string, number>>;
}

export interface LabelWork {
  readonly question: {
    readonly way: AnswerWay;
    readonly text: string;
    /** What is chosen from: answers, or what a part of the text may be; none for free text. */
    readonly choices: readonly string[];
    /** Of an answer in the annotator's words; null where it is none. */
    readonly charactersMax: number | null;
  };
  readonly guidelines: string;
  /** The first of those that are not answered here. */
  readonly cards: readonly LabelCard[];
  /** On which annotators disagree; null where it is not for this node to decide. */
  readonly disputes: readonly DisputedCard[] | null;
  readonly progress: {
    /** Records that are here. */
    readonly records: number;
    /** Of this node. */
    readonly answered: number;
    readonly skipped: number;
    /** Of all: records that have a label. */
    readonly labelled: number;
    /** Answers that are not in the log yet. */
    readonly waiting: number;
  };
  /** What went wrong last; null for nothing. */
  readonly trouble: string | null;
}

const record = z.string().regex(hex32);
const value = z.string().min(1).max(valueCharactersMax);

/** Of one record; null: skipped, or taken back. */
export const givenAnswerSchema = z.strictObject({
  record,
  value: value.nullable(),
  /** Not of those that were given elsewhere. */
  ms: z.int().min(0).max(answerMsMax).optional(),
});
export type GivenAnswer = z.infer<typeof givenAnswerSchema>;

export const givenRulingSchema = z.strictObject({ record, value });
export type GivenRuling = z.infer<typeof givenRulingSchema>;
