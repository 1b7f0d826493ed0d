/**
 * What the holders of hidden shards write: a commitment to what they found, before anybody shows anything; then what it was; then, with all
 * shards on the table, whether the scores of the others are right.
 */
import * as dagCbor from '@ipld/dag-cbor';
import * as z from 'zod';
import type { RefusalReason } from '../../core/io.ts';
import type { FinalRound } from '../../log/entry-kind.ts';
import type { EntryHeader } from '../../log/envelope.ts';
import { defineEntryKind } from '../entry-kind-descriptor.ts';
import {
  composeRecord,
  createRecordKind,
  key,
  noneRefused,
  recordState,
  refusedBytesMax,
  refusedSchema,
  shownRefused,
  withRefused,
} from '../record-kind.ts';
import {
  commitRules,
  holdersMax,
  recountRules,
  revealRules,
  type Shard,
  shardSchema,
} from './arena-rules.ts';
import { commitmentOfBody, type RevealBody, revealBody, scoreRowSchema } from './scores.ts';
import type { SubmissionState } from './submission-kind.ts';

/** 1,024 submissions with a kilobyte of bits each, generously: larger ones are pulled. */
const revealBytesMax = 2_400_000;
const smallBytesMax = 512;
const lastRound = z.int().min(0).max(0x7fff_ffff);

const commitSchema = z.strictObject({
  id: z.literal('commit').describe('hashes of what the holders of hidden shards found'),
  ...commitRules,
});
const commitBody = z.strictObject({ hash: key });
const commitState = z.strictObject({
  untilRound: lastRound,
  shards: z.array(shardSchema).max(holdersMax),
  commits: z.array(z.strictObject({ holder: key, hash: key })).max(holdersMax),
  refused: refusedSchema,
});
export type CommitState = z.infer<typeof commitState>;

/** After the rounds of one kind, until those of its own are over. */
function whyNotNow(round: number, after: number, until: number): string | null {
  return round <= after ? 'too early' : round > until ? 'too late' : null;
}

const headerWhy = (entry: Pick<EntryHeader, 'round'>, until: number): RefusalReason | null =>
  entry.round > until ? 'too-late' : null;

/** A round has room for the words of holders, and their bodies are large: nobody else takes either. */
function notOfHolder(
  { author }: Pick<EntryHeader, 'author'>,
  stateOf: FinalRound<unknown>['stateOf'],
): RefusalReason | null {
  const { shards } = recordState<CommitState>(stateOf('commit')) ?? { shards: [] };
  return shards.some(({ holder }) => holder === author) ? null : 'not-in-committee';
}

export const commit = defineEntryKind({
  id: 'commit',
  schema: commitSchema,
  needs: ['submission'],
  examples: [
    {
      id: 'commit',
      untilRound: 19,
      shards: [{ holder: 'ab'.repeat(32), root: '5a'.repeat(32), bytes: 400, examples: 10 }],
    },
  ],
  create: ({ shards, untilRound }) =>
    createRecordKind<z.infer<typeof commitBody>, CommitState>({
      id: 'commit',
      ...{ bodyBytesMax: smallBytesMax, perAuthorAndRound: 1, entriesPerRoundMax: 64 },
      stateBytesMax: 1024 + holdersMax * 1024 + refusedBytesMax,
      body: commitBody,
      state: commitState,
      initial: { untilRound, shards, commits: [], refused: noneRefused },
      admit: (entry) =>
        shards.some(({ holder }) => holder === entry.author)
          ? headerWhy(entry, untilRound)
          : 'not-in-committee',
      reduce(state, { round, entries, stateOf }) {
        const after = recordState<SubmissionState>(stateOf('submission'))?.untilRound ?? -1;
        const commits = [...state.commits];
        let { refused } = state;
        for (const { author, content } of entries) {
          const reason = !shards.some(({ holder }) => holder === author)
            ? 'holds no shard'
            : commits.some(({ holder }) => holder === author)
              ? 'is committed'
              : whyNotNow(round, after, untilRound);
          if (reason === null) commits.push({ holder: author, hash: content.hash });
          else refused = withRefused(refused, { round, author, what: 'commit', reason });
        }
        return { ...state, commits, refused };
      },
      show: ({ refused }) => shownRefused(refused),
    }),
  compose: (text) => composeRecord(commitBody, text),
  sampleBodies: () => ['a', 'b'].map((digit) => dagCbor.encode({ hash: digit.repeat(64) })),
});

const revealSchema = z.strictObject({
  id: z.literal('reveal').describe('what the holders found, as they committed to it'),
  ...revealRules,
});
const revealState = z.strictObject({
  untilRound: lastRound,
  reveals: z.array(z.strictObject({ holder: key, rows: z.array(scoreRowSchema).max(1024) })).max(holdersMax),
  refused: refusedSchema,
});
export type RevealState = z.infer<typeof revealState>;

export const reveal = defineEntryKind({
  id: 'reveal',
  schema: revealSchema,
  needs: ['submission', 'commit'],
  examples: [{ id: 'reveal', untilRound: 29 }],
  create: ({ untilRound }, { crypto }) =>
    createRecordKind<RevealBody, RevealState>({
      id: 'reveal',
      ...{ bodyBytesMax: revealBytesMax, perAuthorAndRound: 1, entriesPerRoundMax: 40 },
      stateBytesMax: 1024 + holdersMax * revealBytesMax + refusedBytesMax,
      bodyItemsMax: 16_384,
      body: revealBody,
      state: revealState,
      initial: { untilRound, reveals: [], refused: noneRefused },
      admit: (entry, _, stateOf) => notOfHolder(entry, stateOf) ?? headerWhy(entry, untilRound),
      reduce(state, { round, entries, stateOf }) {
        const { commits, untilRound: after } = recordState<CommitState>(stateOf('commit')) ?? {
          commits: [],
          untilRound: -1,
        };
        const reveals = [...state.reveals];
        let { refused } = state;
        for (const { author, content, body } of entries) {
          const promised = commits.find(({ holder }) => holder === author);
          const reason =
            promised === undefined
              ? 'no commit'
              : reveals.some(({ holder }) => holder === author)
                ? 'is revealed'
                : commitmentOfBody(crypto, author, body) !== promised.hash
                  ? 'not what was committed'
                  : whyNotNow(round, after, untilRound);
          if (reason === null) reveals.push({ holder: author, rows: content.rows });
          else refused = withRefused(refused, { round, author, what: 'reveal', reason });
        }
        return { ...state, reveals, refused };
      },
      show: ({ refused }) => shownRefused(refused),
    }),
  compose: (text) => composeRecord(revealBody, text),
  sampleBodies: () => ['a', 'b'].map((digit) => dagCbor.encode({ salt: digit.repeat(64), rows: [] })),
});

const recountSchema = z.strictObject({
  id: z.literal('recount').describe('whether the scores of the other holders are right, on their own shards'),
  ...recountRules,
});
const recountBody = z.strictObject({ holder: key, agrees: z.boolean() });
const recountState = z.strictObject({
  untilRound: lastRound,
  recounts: z
    .array(z.strictObject({ by: key, holder: key, agrees: z.boolean() }))
    .max(holdersMax * holdersMax),
  refused: refusedSchema,
});
export type RecountState = z.infer<typeof recountState>;

export const recount = defineEntryKind({
  id: 'recount',
  schema: recountSchema,
  needs: ['submission', 'commit', 'reveal'],
  examples: [{ id: 'recount', untilRound: 39 }],
  create: ({ untilRound }) =>
    createRecordKind<z.infer<typeof recountBody>, RecountState>({
      id: 'recount',
      ...{ bodyBytesMax: smallBytesMax, perAuthorAndRound: holdersMax, entriesPerRoundMax: 256 },
      stateBytesMax: 1024 + holdersMax * holdersMax * 256 + refusedBytesMax,
      body: recountBody,
      state: recountState,
      initial: { untilRound, recounts: [], refused: noneRefused },
      admit: (entry, _, stateOf) => notOfHolder(entry, stateOf) ?? headerWhy(entry, untilRound),
      reduce(state, { round, entries, stateOf }) {
        const shards: readonly Shard[] = recordState<CommitState>(stateOf('commit'))?.shards ?? [];
        const revealed = recordState<RevealState>(stateOf('reveal'));
        const recounts = [...state.recounts];
        let { refused } = state;
        for (const { author, content } of entries) {
          const isHolder = (one: string) => shards.some(({ holder }) => holder === one);
          const reason =
            !isHolder(author) || !isHolder(content.holder) || author === content.holder
              ? 'not for it to say'
              : recounts.some(({ by, holder }) => by === author && holder === content.holder)
                ? 'is said'
                : whyNotNow(round, revealed?.untilRound ?? -1, untilRound);
          if (reason === null) recounts.push({ by: author, ...content });
          else refused = withRefused(refused, { round, author, what: 'recount', reason });
        }
        return { ...state, recounts, refused };
      },
      show: ({ refused }) => shownRefused(refused),
    }),
  compose: (text) => composeRecord(recountBody, text),
  sampleBodies: () => [true, false].map((agrees) => dagCbor.encode({ holder: 'ab'.repeat(32), agrees })),
});
