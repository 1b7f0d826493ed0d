/** What those decide whom the project names, where annotators disagree. */
import * as dagCbor from '@ipld/dag-cbor';
import * as z from 'zod';
import { defineEntryKind } from '../entry-kind-descriptor.ts';
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
import type { AnswerState } from './answer-kind.ts';
import { isAnswer, valueCharactersMax } from './question.ts';

const rowsTop = 16_384;
const adjudicatorsMax = 16;

const schema = z.strictObject({
  id: z.literal('ruling').describe('what is decided where annotators disagree; the last word on each record'),
  by: z
    .array(key)
    .min(1)
    .max(adjudicatorsMax)
    .describe('keys of the nodes that decide (`starlings node id`); nobody else does'),
  kept: z.int().min(1).max(rowsTop).default(4096).describe('records that are decided; more are refused'),
});

const rulingBody = z.strictObject({ record: key, value: z.string().min(1).max(valueCharactersMax) });
type RulingBody = z.infer<typeof rulingBody>;

const rowSchema = z.strictObject({ round, author: key, ...rulingBody.shape });
const stateSchema = z.strictObject({
  by: z.array(key).max(adjudicatorsMax),
  rows: z.array(rowSchema).max(rowsTop),
  refused: refusedSchema,
});
export type RulingState = z.infer<typeof stateSchema>;

/** A value has up to three bytes a code unit. */
const rowBytesMax = 320 + 3 * valueCharactersMax;

export const ruling = defineEntryKind({
  id: 'ruling',
  schema,
  needs: ['answer'],
  examples: [
    { id: 'ruling', by: ['ab'.repeat(32)] },
    { id: 'ruling', by: ['ab'.repeat(32)], kept: 1 },
  ],
  create: ({ by, kept }) =>
    createRecordKind<RulingBody, RulingState>({
      id: 'ruling',
      ...{ bodyBytesMax: rowBytesMax, perAuthorAndRound: 16, entriesPerRoundMax: 64 },
      stateBytesMax: 2048 + kept * rowBytesMax + refusedBytesMax,
      ...{ body: rulingBody, state: stateSchema, initial: { by, rows: [], refused: noneRefused } },
      reduce(state, { round: now, entries, stateOf }) {
        const { question } = recordState<AnswerState>(stateOf('answer')) ?? {};
        let { rows, refused } = state;
        for (const { author, content } of entries) {
          const isNew = !rows.some(({ record }) => record === content.record);
          const reason = !by.includes(author)
            ? 'not for it to say'
            : question === undefined || !isAnswer(question, content.value)
              ? 'no such answer'
              : isNew && rows.length >= kept
                ? 'no room'
                : null;
          if (reason === null) {
            const others = rows.filter(({ record }) => record !== content.record);
            rows = [...others, { round: now, author, ...content }];
          } else {
            const what = `record ${content.record.slice(0, 16)}`;
            refused = withRefused(refused, { round: now, author, what, reason });
          }
        }
        return { ...state, rows, refused };
      },
      show: ({ rows, refused }) => [
        ...rows.slice(-8).map((row) => ({
          round: row.round,
          author: row.author,
          text: `decided ${row.value.replaceAll(/\s+/g, ' ').slice(0, 64)}`,
        })),
        ...shownRefused(refused),
      ],
    }),
  compose: (text) => composeRecord(rulingBody, text),
  sampleBodies: () => [0, 1].map((at) => dagCbor.encode({ record: `${at}`.repeat(64), value: 'cat' })),
});
