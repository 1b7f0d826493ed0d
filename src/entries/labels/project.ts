/** A project of annotation as its log has it: what is asked, of what, and what everybody said last. */
import { type RefusedOfKinds, recordState, refusedOf } from '../record-kind.ts';
import type { AnswerState } from './answer-kind.ts';
import type { BatchState, LabelBatch } from './batch-kind.ts';
import type { GoldState } from './gold-kind.ts';
import { isAnswer, type Question } from './question.ts';
import type { RulingState } from './ruling-kind.ts';

export interface Answer {
  readonly author: string;
  /** Hash of the record. */
  readonly record: string;
  readonly value: string;
  readonly ms: number | null;
  /** In which it was said. */
  readonly round: number;
  /** What a model suggested: whether the annotator saw it, and gave that answer. Null where none did. */
  readonly suggestion: { readonly isShown: boolean; readonly isSame: boolean } | null;
}

/** What a record is, as somebody knew before it was answered. */
export interface GoldAnswer {
  readonly author: string;
  readonly record: string;
  readonly value: string;
  /** Round in which it was hashed. */
  readonly committed: number;
}

export interface LabelProject extends RefusedOfKinds {
  readonly question: Question;
  readonly guidelines: string;
  /** Annotators that have to answer a record before it has a label. */
  readonly answersMin: number;
  /** Who decides where they disagree; none where nobody does. */
  readonly adjudicators: readonly string[];
  readonly batches: readonly LabelBatch[];
  /** The last of each author on each record, without those skipped. */
  readonly answers: readonly Answer[];
  /** Records that an author skipped, and has not answered since. */
  readonly skipped: readonly { readonly author: string; readonly record: string }[];
  readonly rulings: RulingState['rows'];
  /** Who may know right answers; none where nobody does. */
  readonly goldOwners: readonly string[];
  /** That are told. */
  readonly gold: readonly GoldAnswer[];
  /** Lists of them that are hashed, and not told yet. */
  readonly goldHidden: readonly Pick<GoldState['commitments'][number], 'author' | 'hash' | 'round'>[];
}

const kinds = ['batch', 'gold', 'answer', 'ruling'] as const;

/** Null where nothing can be labelled in a log of these kinds. */
export function projectOf(stateOf: (kind: string) => unknown): LabelProject | null {
  const answered = recordState<AnswerState>(stateOf('answer'));
  const offered = recordState<BatchState>(stateOf('batch'));
  if (answered === null || offered === null) return null;
  const decided = recordState<RulingState>(stateOf('ruling'));
  const known = recordState<GoldState>(stateOf('gold'));
  const { question, guidelines, answersMin, rows } = answered;
  return {
    ...{ question, guidelines, answersMin },
    adjudicators: decided?.by ?? [],
    batches: offered.batches,
    answers: rows.flatMap(({ author, record, value, ms = null, round, suggestion = null }) =>
      value === null ? [] : [{ author, record, value, ms, round, suggestion }],
    ),
    skipped: rows.flatMap(({ author, record, value }) => (value === null ? [{ author, record }] : [])),
    rulings: decided?.rows ?? [],
    goldOwners: known?.by ?? [],
    gold: known?.rows.filter(({ value }) => isAnswer(question, value)) ?? [],
    goldHidden: known?.commitments.filter(({ isRevealed }) => !isRevealed) ?? [],
    ...refusedOf(kinds, stateOf),
  };
}
