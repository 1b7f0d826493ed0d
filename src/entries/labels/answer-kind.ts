/** What annotators answer of records: the last word of each of them on each. Records go by their hashes, their texts are in no entry. */
import * as dagCbor from '@ipld/dag-cbor';
import * as z from 'zod';
import { bytesToHex } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import { defineEntryKind, type EntryKindContext } from '../entry-kind-descriptor.ts';
import {
  composeRecord,
  createRecordKind,
  key,
  noneRefused,
  recordState,
  refusedBytesMax,
  refusedSchema,
  round,
  shownRefused,
  withRefused,
} from '../record-kind.ts';
import type { GoldState } from './gold-kind.ts';
import {
  guidelinesSchema,
  isAnswer,
  questionSchema,
  sampleAnswers,
  valueBytesMax,
  valueCharactersMax,
} from './question.ts';

/** Of one entry. */
export const answersPerEntry = 32;
const rowsTop = 32_768;
/** Of an answer and who gave it, besides the value. */
const rowBytesMax = 256;
/** Of all answers: who joins late is sent them, and whoever asks a node for its labels. Guess. */
const answersBytesMax = 16 << 20;
/** A week: whoever takes longer was away. */
export const answerMsMax = 7 * 24 * 3600 * 1000;

const schema = z
  .strictObject({
    id: z.literal('answer').describe('what annotators say of records; the last word of each counts'),
    question: questionSchema.describe('what they are asked of each'),
    guidelines: guidelinesSchema.default('').describe('how it is to be answered, for annotators to read'),
    answersMin: z
      .int()
      .min(1)
      .max(32)
      .default(2)
      .describe('annotators that have to answer a record before it has a label; guess'),
    perRound: z.int().min(1).max(16).default(8).describe('entries of an author in a round, 32 answers each'),
    perAuthor: z
      .int()
      .min(1)
      .max(rowsTop)
      .default(2048)
      .describe('records that one author may answer, so that a few keys cannot take all the room; guess'),
    kept: z.int().min(1).max(rowsTop).default(16_384).describe('answers of all; more are refused; guess'),
  })
  .superRefine(({ question, kept }, context) => {
    const most = Math.floor(answersBytesMax / (rowBytesMax + valueBytesMax(question)));
    if (kept > most)
      context.addIssue({
        code: 'custom',
        message: `must be at most ${most}: so many of the longest answers have room`,
        path: ['kept'],
      });
  });
type AnswerSpec = z.infer<typeof schema>;

const value = z.string().min(1).max(valueCharactersMax);
const answerSchema = z.strictObject({
  record: key,
  /** Null: skipped, or taken back. */
  value: value.nullable(),
  /** How long it took. */
  ms: z.int().min(0).max(answerMsMax).optional(),
});
/** By `suggestionHash`; whether the annotator saw it. */
const suggestionSchema = z.strictObject({ hash: key, isShown: z.boolean() });
const answerBody = z
  .strictObject({
    /** SHA-256 of the file of the model that suggested answers. */
    model: key.optional(),
    answers: z
      .array(
        z.strictObject({
          ...answerSchema.shape,
          /** Null: there was none. Not of those that were given elsewhere. */
          suggestion: suggestionSchema.nullable().optional(),
        }),
      )
      .min(1)
      .max(answersPerEntry),
  })
  .refine(({ model, answers }) => model !== undefined || answers.every(({ suggestion }) => !suggestion), {
    message: 'must name the model that suggested answers',
  });
type AnswerBody = z.infer<typeof answerBody>;

const rowSchema = z.strictObject({
  author: key,
  ...answerSchema.shape,
  /** In which it was said. */
  round,
  /** Left out where there was none. */
  suggestion: z.strictObject({ isShown: z.boolean(), isSame: z.boolean() }).optional(),
});
type AnswerRow = z.infer<typeof rowSchema>;

const stateSchema = z.strictObject({
  question: questionSchema,
  guidelines: guidelinesSchema,
  answersMin: z.int(),
  /** In the order in which they were answered last. */
  rows: z.array(rowSchema).max(rowsTop),
  /** Round of the last answer. */
  round: round.nullable(),
  refused: refusedSchema,
});
export type AnswerState = z.infer<typeof stateSchema>;

const projectBytesMax = 64 * 1024;

export const answer = defineEntryKind({
  id: 'answer',
  schema,
  needs: ['batch'],
  minds: ['gold'],
  examples: [
    { id: 'answer', question: { kind: 'choice', text: 'What is it?', choices: ['cat', 'dog'] } },
    {
      ...{ id: 'answer', question: { kind: 'rating', text: 'How good?', from: 1, to: 5 }, answersMin: 3 },
      ...{ guidelines: 'Five is best.\nOne is worst.', perRound: 1, perAuthor: 2, kept: 4 },
    },
    { id: 'answer', question: { kind: 'preference', text: 'Which is better?' }, answersMin: 1 },
    { id: 'answer', question: { kind: 'span', text: 'Who and where?', labels: ['person', 'place'] } },
    { id: 'answer', question: { kind: 'text', text: 'In your words?' }, kept: 1000 },
  ],
  create: createAnswerKind,
  compose: (text) => composeRecord(answerBody, text),
  sampleBodies: ({ question }) =>
    [0, 1].map((at) =>
      dagCbor.encode({
        answers: [{ record: `${at}`.repeat(64), value: sampleAnswers(question)[at]!, ms: 900 }],
      }),
    ),
});

/** Of what a model suggests of a record: whoever knows the model's file can tell whether an answer is that. */
export function suggestionHash(
  crypto: Pick<Crypto, 'sha256'>,
  suggested: { readonly model: string; readonly record: string; readonly value: string },
): string {
  return bytesToHex(crypto.sha256(dagCbor.encode(suggested)));
}

function createAnswerKind(
  { question, guidelines, answersMin, perRound, perAuthor, kept }: AnswerSpec,
  { crypto }: EntryKindContext,
) {
  const rowOf = (
    author: string,
    { suggestion, ...given }: AnswerBody['answers'][number],
    model: string | undefined,
    round: number,
  ): AnswerRow => {
    const { record, value: said } = given;
    if (!suggestion || model === undefined) return { author, ...given, round };
    const isSame =
      said !== null && suggestionHash(crypto, { model, record, value: said }) === suggestion.hash;
    return { author, ...given, round, suggestion: { isShown: suggestion.isShown, isSame } };
  };
  const bytesMax = rowBytesMax + valueBytesMax(question);
  return createRecordKind<AnswerBody, AnswerState>({
    id: 'answer',
    ...{ bodyBytesMax: 160 + answersPerEntry * bytesMax, perAuthorAndRound: perRound },
    entriesPerRoundMax: 256,
    stateBytesMax: projectBytesMax + kept * bytesMax + refusedBytesMax,
    ...{ body: answerBody, state: stateSchema },
    initial: { question, guidelines, answersMin, rows: [], round: null, refused: noneRefused },
    reduce(state, { round: now, entries, stateOf }) {
      const revealed = new Set(recordState<GoldState>(stateOf('gold'))?.rows.map(({ record }) => record));
      const rows = new Map(state.rows.map((row) => [`${row.author}/${row.record}`, row]));
      const counts = new Map<string, number>();
      for (const { author } of state.rows) counts.set(author, (counts.get(author) ?? 0) + 1);
      let { refused } = state;
      for (const { author, content } of entries) {
        for (const given of content.answers) {
          const place = `${author}/${given.record}`;
          const isNew = !rows.has(place);
          const own = counts.get(author) ?? 0;
          const reason =
            given.value !== null && !isAnswer(question, given.value)
              ? 'no such answer'
              : revealed.has(given.record)
                ? 'its answer is told'
                : isNew && own >= perAuthor
                  ? 'too many of one key'
                  : isNew && rows.size >= kept
                    ? 'no room'
                    : null;
          if (reason === null) {
            if (isNew) counts.set(author, own + 1);
            rows.delete(place);
            rows.set(place, rowOf(author, given, content.model, now));
          } else {
            const what = `record ${given.record.slice(0, 16)}`;
            refused = withRefused(refused, { round: now, author, what, reason });
          }
        }
      }
      return { ...state, rows: [...rows.values()], round: now, refused };
    },
    show: ({ rows, round: when, refused }) => [...shownTotals(rows, when), ...shownRefused(refused)],
  });
}

/** How many each has answered; not what. */
function shownTotals(rows: readonly AnswerRow[], when: number | null) {
  const counts = new Map<string, number>();
  for (const { author } of rows) counts.set(author, (counts.get(author) ?? 0) + 1);
  return [...counts]
    .slice(-8)
    .map(([author, count]) => ({ round: when, author, text: `${count} records answered` }));
}
