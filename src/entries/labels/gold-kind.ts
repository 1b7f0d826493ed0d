/**
 * Records of which somebody knows the right answer: which they are is hashed before they are answered, and told afterwards, so that nobody
 * answers them with more care than others, and nobody chooses them by what was answered.
 */
import * as dagCbor from '@ipld/dag-cbor';
import * as z from 'zod';
import { bytesToHex } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import { defineEntryKind } from '../entry-kind-descriptor.ts';
import {
  composeRecord,
  createRecordKind,
  key,
  noneRefused,
  refusedBytesMax,
  refusedSchema,
  round,
  shownRefused,
  withRefused,
} from '../record-kind.ts';
import { valueCharactersMax } from './question.ts';

const rowsTop = 8192;
const ownersMax = 16;
const commitmentsMax = 512;
/** Of one commitment. */
export const goldPerEntry = 32;

const schema = z.strictObject({
  id: z.literal('gold').describe('records whose right answer is known: hashed first, told later'),
  by: z
    .array(key)
    .min(1)
    .max(ownersMax)
    .describe('keys of the nodes that know right answers (`starlings node id`); nobody else does'),
  kept: z.int().min(1).max(rowsTop).default(2048).describe('records that are told; more are refused'),
});
type GoldSpec = z.infer<typeof schema>;

const goldAnswer = z.strictObject({ record: key, value: z.string().min(1).max(valueCharactersMax) });
/** Whoever has not the salt cannot find the answers that go with a hash. */
export const goldReveal = z.strictObject({
  salt: key,
  answers: z.array(goldAnswer).min(1).max(goldPerEntry),
});
export type GoldReveal = z.infer<typeof goldReveal>;
const goldBody = z.union([z.strictObject({ commitment: key }), goldReveal]);
type GoldBody = z.infer<typeof goldBody>;

const commitmentSchema = z.strictObject({ author: key, hash: key, round, isRevealed: z.boolean() });
const rowSchema = z.strictObject({
  author: key,
  /** Round of the commitment: what was answered later was answered by who could not know. */
  committed: round,
  ...goldAnswer.shape,
});
const stateSchema = z.strictObject({
  by: z.array(key).max(ownersMax),
  commitments: z.array(commitmentSchema).max(commitmentsMax),
  rows: z.array(rowSchema).max(rowsTop),
  refused: refusedSchema,
});
export type GoldState = z.infer<typeof stateSchema>;

/** A value has up to three bytes a code unit. */
const answerBytesMax = 128 + 3 * valueCharactersMax;

/** Nobody can take the hash of another for its own: the author is in it. */
export function goldCommitment(crypto: Pick<Crypto, 'sha256'>, author: string, reveal: GoldReveal): string {
  return bytesToHex(crypto.sha256(dagCbor.encode({ author, ...reveal })));
}

export const gold = defineEntryKind({
  id: 'gold',
  schema,
  needs: ['batch'],
  examples: [
    { id: 'gold', by: ['ab'.repeat(32)] },
    { id: 'gold', by: ['ab'.repeat(32)], kept: 1 },
  ],
  create: (spec, { crypto }) =>
    createRecordKind<GoldBody, GoldState>({
      id: 'gold',
      bodyBytesMax: 128 + goldPerEntry * answerBytesMax,
      ...{ perAuthorAndRound: 16, entriesPerRoundMax: 64 },
      stateBytesMax: 4096 + commitmentsMax * 256 + spec.kept * (128 + answerBytesMax) + refusedBytesMax,
      ...{ body: goldBody, state: stateSchema },
      initial: { by: spec.by, commitments: [], rows: [], refused: noneRefused },
      reduce(state, { round: now, entries }) {
        let next = state;
        for (const { author, content } of entries) {
          const told = 'commitment' in content ? withCommitment : withReveal;
          const after = told(next, { author, now, spec, crypto }, content as never);
          next =
            typeof after === 'string'
              ? {
                  ...next,
                  refused: withRefused(next.refused, { round: now, author, what: 'gold', reason: after }),
                }
              : after;
        }
        return next;
      },
      show: ({ commitments, rows, refused }) => [
        ...commitments.slice(-8).map(({ round: when, author, isRevealed }) => ({
          ...{ round: when, author },
          text: isRevealed ? `right answers, told since (${rows.length} in all)` : 'right answers, hashed',
        })),
        ...shownRefused(refused),
      ],
    }),
  compose: (text) => composeRecord(goldBody, text),
  sampleBodies: () => [
    dagCbor.encode({ commitment: '5a'.repeat(32) }),
    dagCbor.encode({ salt: '00'.repeat(32), answers: [{ record: '1'.repeat(64), value: 'cat' }] }),
  ],
});

interface Told {
  readonly author: string;
  readonly now: number;
  readonly spec: GoldSpec;
  readonly crypto: Crypto;
}

/** Or why it does not count. */
function withCommitment(
  state: GoldState,
  { author, now, spec }: Told,
  { commitment }: { readonly commitment: string },
): GoldState | string {
  const { commitments } = state;
  if (!spec.by.includes(author)) return 'not for it to say';
  // The hash of another may be copied: it keeps nobody from its own.
  if (commitments.some((one) => one.hash === commitment && one.author === author)) return 'is there';
  if (commitments.length >= commitmentsMax) return 'no room';
  const added = { author, hash: commitment, round: now, isRevealed: false };
  return { ...state, commitments: [...commitments, added] };
}

/** Or why it does not count. */
function withReveal(
  state: GoldState,
  { author, now, spec, crypto }: Told,
  reveal: GoldReveal,
): GoldState | string {
  const hash = goldCommitment(crypto, author, reveal);
  const found = state.commitments.find((one) => one.hash === hash && one.author === author);
  if (found === undefined) return 'was not hashed before';
  if (found.isRevealed) return 'is there';
  if (found.round >= now) return 'too early';
  const known = new Set(state.rows.map(({ record }) => record));
  const rows = reveal.answers
    .filter(
      ({ record }, at) =>
        !known.has(record) && reveal.answers.findIndex((one) => one.record === record) === at,
    )
    .map((one) => ({ author, committed: found.round, ...one }));
  if (state.rows.length + rows.length > spec.kept) return 'no room';
  const commitments = state.commitments.map((one) => (one === found ? { ...one, isRevealed: true } : one));
  return { ...state, commitments, rows: [...state.rows, ...rows] };
}
