/** What members of an alliance have said of whole rounds, and what became of these: plain values, canonical DAG-CBOR. */
import * as z from 'zod';
import { key, refusedBytesMax, refusedSchema, round } from '../record-kind.ts';

/** Voters of a round. */
export const votersMax = 32;
/** Deltas of a round: as many as may count. */
const authorsMax = 512;
/** Rounds that are open or decided and remembered; and rounds rolled back that are shown. */
const [roundsMax, shownMax] = [160, 64];
/** Voters of less than full standing; those of the lowest are remembered. */
export const standingsMax = 1024;

const anyBytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);
const bytes = (length: number) =>
  anyBytes.refine((value) => value.length === length, `must be ${length} bytes`);

/**
 * Beginning of the id of a delta, by which a voter says that it had it: of so many bytes that nobody finds a late delta that begins like one
 * of the 512 that were there. Of 4 bytes one processor finds it in minutes.
 */
export const seenBytes = 12;
/** Mean losses are told in millionths of a nat; what is larger says nothing more. */
export const lossMax = 1e12;
const loss = z.int().min(0).max(lossMax);

/** What a voter commits to, and shows later on. */
const showBody = z.strictObject({
  salt: bytes(16),
  /** Of the voter's own validation examples, by the model without the round and with it. */
  before: loss,
  after: loss,
  /** Beginnings of the ids of the round's deltas that the voter had, ascending. */
  seen: anyBytes.refine(({ length }) => length % seenBytes === 0 && length <= seenBytes * authorsMax),
});
export type ShowBody = z.infer<typeof showBody>;
/** SHA-256 of the voter's key and the body that is to come. */
const commitBody = z.strictObject({ hash: bytes(32) });
export const ballotBody = z.union([commitBody, showBody]);
export type BallotBody = z.infer<typeof ballotBody>;

const openSchema = z.strictObject({
  round,
  deltas: z.array(z.strictObject({ author: key, id: bytes(seenBytes) })).max(authorsMax),
  voters: z.array(key).max(votersMax),
  commits: z.array(z.strictObject({ voter: key, hash: bytes(32) })).max(votersMax),
});
/** A round that is not decided yet. */
export type OpenBallot = z.infer<typeof openSchema>;

const verdictSchema = z.strictObject({
  round,
  voters: z.int().min(0).max(votersMax),
  /** By how much the loss grew, in millionths of what it was: the median by standing; null without a quorum. */
  median: z.int().nullable(),
  isRolledBack: z.boolean(),
  said: z.array(z.strictObject({ voter: key, before: loss, after: loss, isFar: z.boolean() })).max(votersMax),
  /** Who committed and showed nothing. */
  silent: z.array(key).max(votersMax),
  /** Authors of deltas that came after the votes. */
  unseen: z.array(key).max(authorsMax),
});
export type Verdict = z.infer<typeof verdictSchema>;

const rolledBackSchema = z.strictObject({ round, median: z.int(), said: z.int(), voters: z.int() });

export const ballotState = z.strictObject({
  /** Of the history after the last rounds, newest last: voters are drawn by them. */
  roots: z.array(z.strictObject({ round, root: bytes(32) })).max(roundsMax),
  open: z.array(openSchema).max(roundsMax),
  decided: z.array(verdictSchema).max(roundsMax),
  rolledBack: z.array(rolledBackSchema).max(shownMax),
  counts: z.strictObject({ kept: z.int().min(0), rolledBack: z.int().min(0), unjudged: z.int().min(0) }),
  /** In 16ths, of those who do not have all of it, by key. */
  standings: z.array(z.strictObject({ voter: key, standing: z.int().min(1).max(15) })).max(standingsMax),
  refused: refusedSchema,
});
export type BallotState = z.infer<typeof ballotState>;

export const noBallots: BallotState = {
  ...{ roots: [], open: [], decided: [], rolledBack: [], standings: [] },
  counts: { kept: 0, rolledBack: 0, unjudged: 0 },
  refused: { counts: [], last: [] },
};

/** Of a round with all its deltas, voters and words; of what else there is. */
const [openBytes, otherBytes] = [
  authorsMax * 180 + votersMax * 400,
  roundsMax * 64 + shownMax * 64 + standingsMax * 96,
];
/** Bound on the bytes of a state that goes back so many rounds. */
export const ballotStateBytesMax = (rounds: number): number =>
  1024 + 2 * rounds * openBytes + otherBytes + refusedBytesMax;

/** The newest rounds rolled back, with one more. */
export const withRolledBack = (
  before: BallotState['rolledBack'],
  one: BallotState['rolledBack'][number],
): BallotState['rolledBack'] => [...before, one].slice(-shownMax);
