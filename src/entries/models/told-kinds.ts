/** What users of published models tell of them: how they like them, and how much they use them. Everybody's own word, and shown as that. */
import * as dagCbor from '@ipld/dag-cbor';
import * as z from 'zod';
import { defineEntryKind } from '../entry-kind-descriptor.ts';
import {
  composeRecord,
  createRecordKind,
  key,
  line,
  noneRefused,
  refusedBytesMax,
  refusedSchema,
  round,
  shownRefused,
  titleOf,
  withRefused,
} from '../record-kind.ts';
import { modelName, modelVersion } from './publication.ts';
import { publishedIn } from './publish-kind.ts';

const title = { name: modelName, version: modelVersion };
const rating = z.int().min(1).max(5);
const text = line(280);
/** Far below where doubles lose ones, however often it is added. */
const countMax = 1_000_000_000;
const sumMax = 2 ** 50;

const feedbackBody = z.strictObject({ ...title, rating, text: text.optional() });
const usageBody = z.strictObject({
  ...title,
  requests: z.int().min(1).max(countMax),
  /** Bytes of text, or rows: what its kind of model answers with. */
  units: z.int().min(0).max(countMax),
});
type FeedbackBody = z.infer<typeof feedbackBody>;
type UsageBody = z.infer<typeof usageBody>;

const feedbackRow = z.strictObject({ round, author: key, ...feedbackBody.shape });
const usageRow = z.strictObject({
  ...{ round, author: key, ...title },
  requests: z.int().min(1).max(sumMax),
  units: z.int().min(0).max(sumMax),
});
export type FeedbackRow = z.infer<typeof feedbackRow>;
export type UsageRow = z.infer<typeof usageRow>;

interface Title {
  readonly name: string;
  readonly version: string;
}

/** One row for an author and a publication. */
export interface ToldState<Row> {
  readonly rows: Row[];
  readonly refused: z.infer<typeof refusedSchema>;
}

const rowsTop = 16_384;
const kept = z
  .int()
  .min(1)
  .max(rowsTop)
  .default(2048)
  .describe('authors times publications that are remembered; more are refused; guess');
const perAuthor = z
  .int()
  .min(1)
  .max(rowsTop)
  .default(64)
  .describe('publications that one author may tell of, so that a few keys cannot take all the room; guess');

/** A row with its text, 280 characters of up to 4 bytes, and keys. */
const rowBytesMax = 1536;

interface Told<Body extends Title, Row extends Title & { readonly author: string; readonly round: number }> {
  readonly id: string;
  readonly body: z.ZodType<Body>;
  readonly row: z.ZodType<Row>;
  readonly kept: number;
  readonly perAuthor: number;
  /** What an author has told so far, and tells now. */
  merge(before: Row | undefined, now: { readonly round: number; readonly author: string }, body: Body): Row;
  show(row: Row): string;
}

function createToldKind<
  Body extends Title,
  Row extends Title & { readonly author: string; readonly round: number },
>({ id, body, row, kept: rowsMax, perAuthor: ofAuthorMax, merge, show }: Told<Body, Row>) {
  const state = z.strictObject({ rows: z.array(row).max(rowsTop), refused: refusedSchema });
  return createRecordKind<Body, ToldState<Row>>({
    id,
    ...{ bodyBytesMax: rowBytesMax, perAuthorAndRound: 4, entriesPerRoundMax: 64 },
    stateBytesMax: rowsMax * rowBytesMax + refusedBytesMax,
    ...{ body, state, initial: { rows: [], refused: noneRefused } },
    reduce(before, { round: now, entries, stateOf }) {
      let { rows, refused } = before;
      for (const { author, content } of entries) {
        const published = publishedIn(stateOf('publish'), content);
        const isSame = (one: Row) =>
          one.author === author && one.name === content.name && one.version === content.version;
        const earlier = rows.find(isSame);
        const own = rows.filter((one) => one.author === author).length;
        const reason =
          published === null
            ? 'not published'
            : published.author === author
              ? 'its own author'
              : earlier !== undefined
                ? null
                : own >= ofAuthorMax
                  ? 'too many of one key'
                  : rows.length >= rowsMax
                    ? 'no room'
                    : null;
        if (reason === null) {
          rows = [...rows.filter((one) => !isSame(one)), merge(earlier, { round: now, author }, content)];
        } else refused = withRefused(refused, { round: now, author, what: titleOf(content), reason });
      }
      return { rows, refused };
    },
    show: ({ rows, refused }) => [
      ...rows.slice(-8).map((one) => ({ round: one.round, author: one.author, text: show(one) })),
      ...shownRefused(refused),
    ],
  });
}

const feedbackSchema = z.strictObject({
  id: z.literal('feedback').describe('what members think of models of others: the last word of each counts'),
  ...{ kept, perAuthor },
});

export const feedback = defineEntryKind({
  id: 'feedback',
  schema: feedbackSchema,
  needs: ['publish'],
  examples: [{ id: 'feedback' }, { id: 'feedback', kept: 2, perAuthor: 1 }],
  create: ({ kept: rows, perAuthor: ofAuthor }) =>
    createToldKind<FeedbackBody, FeedbackRow>({
      ...{ id: 'feedback', body: feedbackBody, row: feedbackRow, kept: rows, perAuthor: ofAuthor },
      merge: (_, now, body) => ({ ...now, ...body }),
      show: ({ rating: stars, text: said, ...of }) =>
        `${titleOf(of)} ${stars} of 5${said === undefined ? '' : `: ${said}`}`,
    }),
  compose: (given) => composeRecord(feedbackBody, given),
  sampleBodies: () => [1, 5].map((stars) => dagCbor.encode({ name: 'a', version: '1', rating: stars })),
});

const usageSchema = z.strictObject({
  id: z.literal('usage').describe('how much members use models of others, by what they say themselves'),
  ...{ kept, perAuthor },
});

export const usage = defineEntryKind({
  id: 'usage',
  schema: usageSchema,
  needs: ['publish'],
  examples: [{ id: 'usage' }, { id: 'usage', kept: 2, perAuthor: 1 }],
  create: ({ kept: rows, perAuthor: ofAuthor }) =>
    createToldKind<UsageBody, UsageRow>({
      ...{ id: 'usage', body: usageBody, row: usageRow, kept: rows, perAuthor: ofAuthor },
      merge: (before, now, { requests, units, ...of }) => ({
        ...{ ...now, ...of },
        requests: Math.min(sumMax, (before?.requests ?? 0) + requests),
        units: Math.min(sumMax, (before?.units ?? 0) + units),
      }),
      show: ({ requests, units, ...of }) =>
        `${titleOf(of)} answered ${requests} requests with ${units} units`,
    }),
  compose: (given) => composeRecord(usageBody, given),
  sampleBodies: () => [1, 2].map((units) => dagCbor.encode({ name: 'a', version: '1', requests: 3, units })),
});
