/**
 * Rounds whose deltas are being judged, whatever by: who may say something of them, until when, and what counts of it. Judges are drawn
 * from a round's authors once it is final, by what nobody could foresee when the deltas were written.
 */
import { bytesToHex, keyToBytes } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import type { PeerKey, RefusalReason } from '../../core/io.ts';
import type { FinalRound } from '../../log/entry-kind.ts';
import type { EntryHeader } from '../../log/envelope.ts';
import { scoresMax } from './score-body.ts';
import { findHarmful, forgetOldest, gateOf, type MemoryRules, remember } from './score-memory.ts';
import { authorsMax, type OpenRound, type ScoreState } from './score-state.ts';

/** More are not counted. */
const absurdMax = 1e6;

export interface JudgedRules extends MemoryRules {
  readonly crypto: Crypto;
  /** What is said of a round counts in so many rounds after it. */
  readonly deadlineRounds: number;
  /** Judges of a round. */
  readonly judges: number;
  /** Whether anything is said of a round's deltas. */
  isJudged(round: FinalRound<unknown>, state: ScoreState): boolean;
  /** What is agreed of each delta of an open round, or null. */
  agree(
    one: OpenRound,
    state: ScoreState,
    standingOf: (author: PeerKey) => number,
  ): readonly (number | null)[];
  /** Whether what is agreed cannot change any more, whatever else is said. */
  isSettled(agreed: readonly (number | null)[]): boolean;
}

/** The round that an entry is about. */
export function judgedRound(claims: readonly unknown[]): number | null {
  const [round] = claims;
  return claims.length === 1 && Number.isSafeInteger(round) && (round as number) >= 0
    ? (round as number)
    : null;
}

/** What is about a round that is not final here yet may be in time elsewhere: gossip brings it again. */
export function reasonToRefuse(
  { round, author, claims }: EntryHeader,
  { open }: ScoreState,
  deadlineRounds: number,
): RefusalReason | null {
  const about = judgedRound(claims);
  if (about === null || about >= round) return 'malformed';
  if (!isInTime(about, round, deadlineRounds)) return 'too-late';
  const one = open.get(about);
  return one && !one.evaluators.includes(author) ? 'not-in-committee' : null;
}

function isInTime(about: number, round: number, deadlineRounds: number): boolean {
  return round > about && round <= about + deadlineRounds;
}

/** Takes what was said in a final round, opens the round itself and decides those of which nothing more can come. */
export function reduceRound(
  state: ScoreState,
  round: FinalRound<readonly number[]>,
  rules: JudgedRules,
): void {
  takeVotes(state, round, rules);
  if (round.publishers.length > 0 && rules.isJudged(round, state))
    state.open.set(round.round, opened(round, rules));
  decideAll(state, round, rules);
}

/** Only what was asked for, as long as it is asked for, and the first word of each. */
function takeVotes(
  state: ScoreState,
  { round, entries, banned }: FinalRound<readonly number[]>,
  { deadlineRounds }: JudgedRules,
): void {
  for (const { author, claims, content } of entries) {
    const about = judgedRound(claims)!;
    if (!isInTime(about, round, deadlineRounds)) continue;
    const one = state.open.get(about);
    if (!one?.evaluators.includes(author) || content.length !== one.authors.length) {
      if (state.absurd.has(author) || state.absurd.size < authorsMax)
        state.absurd.set(author, Math.min(absurdMax, (state.absurd.get(author) ?? 0) + 1));
      continue;
    }
    if (one.isDecided || banned.has(author) || one.votes.has(author)) continue;
    state.open.set(about, { ...one, votes: new Map(one.votes).set(author, content) });
  }
}

function opened(
  { root, publishers, banned, isSilenced }: FinalRound<unknown>,
  { judges, crypto }: JudgedRules,
): OpenRound {
  const authors = [...publishers].sort().slice(0, scoresMax);
  const free = authors.filter((author) => !isSilenced(author) && !banned.has(author));
  return {
    root,
    authors,
    evaluators: drawnOf(free, judges, root, crypto),
    votes: new Map(),
    isDecided: false,
  };
}

/** Those with the lowest hashes: drawn anew for each round. */
function drawnOf(candidates: readonly PeerKey[], count: number, root: Uint8Array, crypto: Crypto): PeerKey[] {
  const domain = new TextEncoder().encode('evaluator');
  return candidates
    .map((author) => ({ author, ticket: bytesToHex(crypto.sha256(domain, root, keyToBytes(author))) }))
    .sort((a, b) => (a.ticket < b.ticket ? -1 : 1))
    .slice(0, count)
    .map(({ author }) => author);
}

/** In order of rounds, each as soon as nothing can change it any more; who was asked is known as long as anything counts that is said of it. */
function decideAll(state: ScoreState, { round, standingOf }: FinalRound<unknown>, rules: JudgedRules): void {
  for (const [about, one] of [...state.open].sort(([a], [b]) => a - b)) {
    const isLate = !isInTime(about, round + 1, rules.deadlineRounds);
    if (isLate) state.open.delete(about);
    if (one.isDecided) continue;
    const agreed = rules.agree(one, state, standingOf);
    const isSettled = rules.isSettled(agreed) || one.votes.size === one.evaluators.length;
    if (!isSettled && !isLate) return;
    if (!isLate) state.open.set(about, { ...one, votes: new Map(), isDecided: true });
    remember(state, about, { authors: one.authors, scores: agreed, standingOf }, rules);
    forgetOldest(state.memory);
    findHarmful(state.memory, round, rules);
    state.gate = gateOf(state.memory, rules);
  }
}
