/**
 * Rounds whose deltas are being judged, whatever by: who may say something of them, until when, and what counts of it. Judges are drawn
 * from a round's authors once it is final, by what nobody could foresee when the deltas were written.
 */
import { bytesToHex, keyToBytes } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import type { PeerKey, RefusalReason } from '../../core/io.ts';
import type { FinalRound } from '../../log/entry-kind.ts';
import type { EntryHeader } from '../../log/envelope.ts';
import { haveWorked } from '../have-worked.ts';
import { scoresMax } from './score-body.ts';
import { findHarmful, forgetOldest, gateOf, type MemoryRules, remember } from './score-memory.ts';
import { authorsMax, type OpenRound, type ScoreState } from './score-state.ts';

/** More are not counted. */
const absurdMax = 1e6;

export interface JudgedRules extends MemoryRules {
  readonly crypto: Crypto;
  /** What is said of a round counts in so many rounds after its judges were drawn. */
  readonly deadlineRounds: number;
  /** Judges of a round. */
  readonly judges: number;
  /** Where no more than so many are not silenced, the silenced judge as well: those who are left could not be told from each other. */
  readonly judgesMin: number;
  /** Of judges who all come to the same: so many judge a round of which two have said different things. Null where each has a word of its own. */
  readonly appealedTo: number | null;
  /** Whether anything is said of a round's deltas. */
  isJudged(round: FinalRound<unknown>, state: ScoreState): boolean;
  /** What is agreed of each delta of an open round, or null. */
  agree(
    one: OpenRound,
    state: ScoreState,
    standingOf: (author: PeerKey) => number,
  ): readonly (number | null)[];
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
  const one = open.get(about);
  if (!isInTime(one, { about, round }, { deadlineRounds })) return 'too-late';
  return one && !one.evaluators.includes(author) ? 'not-in-committee' : null;
}

/** Whether what is said in `round` of the round `about` counts; `one`: that round as it is open, if it is. */
export function isInTime(
  one: Pick<OpenRound, 'since'> | undefined,
  { about, round }: { readonly about: number; readonly round: number },
  { deadlineRounds }: Pick<JudgedRules, 'deadlineRounds'>,
): boolean {
  return round > about && round <= (one?.since ?? about) + deadlineRounds;
}

/** Rounds that a judge is asked about since others have said different things of them, and has said nothing of. */
export function appealedIn({ open }: ScoreState, judge: PeerKey): number[] {
  return [...open].flatMap(([about, one]) =>
    isAppealed(about, one) && !one.isDecided && one.evaluators.includes(judge) && !one.votes.has(judge)
      ? [about]
      : [],
  );
}

/** Two of its judges have said different things, and more have been asked. */
function isAppealed(about: number, { since }: OpenRound): boolean {
  return since > about;
}

/** Takes what was said in a final round, opens the round itself and decides those of which nothing more can come. */
export function reduceRound(
  state: ScoreState,
  round: FinalRound<readonly number[]>,
  rules: JudgedRules,
): void {
  takeVotes(state, round, rules);
  if (round.publishers.length > 0 && rules.isJudged(round, state))
    state.open.set(round.round, opened(state, round, rules));
  askMore(state, round, rules);
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
    const one = state.open.get(about);
    if (!isInTime(one, { about, round }, { deadlineRounds })) continue;
    if (!one?.evaluators.includes(author) || content.length !== one.authors.length) {
      if (state.absurd.has(author) || state.absurd.size < authorsMax)
        state.absurd.set(author, Math.min(absurdMax, (state.absurd.get(author) ?? 0) + 1));
      continue;
    }
    if (one.isDecided || banned.has(author) || one.votes.has(author)) continue;
    state.open.set(about, { ...one, votes: new Map(one.votes).set(author, content) });
  }
}

function opened(state: ScoreState, final: FinalRound<unknown>, rules: JudgedRules): OpenRound {
  const { round, root, publishers } = final;
  const authors = [...publishers].sort().slice(0, scoresMax);
  return {
    ...{ root, authors, votes: new Map(), isDecided: false, since: round },
    evaluators: drawnOf(mayJudge(authors, state, final, rules), rules.judges, root, rules.crypto),
  };
}

/**
 * Where judges all come to the same, those who do harm by their deltas stay judges: else who silences others by lies would be ever more of those who
 * judge. Who was overruled is none any more. Words of one's own are weighed by standing when they are counted.
 */
function mayJudge(
  authors: readonly PeerKey[],
  { overruled }: ScoreState,
  { banned, isSilenced, isSilencedByOthers, standingOf }: FinalRound<unknown>,
  { appealedTo, judgesMin }: JudgedRules,
): readonly PeerKey[] {
  const free = authors.filter((author) => !banned.has(author) && !overruled.has(author));
  if (appealedTo === null) {
    const heard = free.filter((author) => !isSilenced(author));
    return heard.length > judgesMin ? heard : free;
  }
  return haveWorked(
    free.filter((author) => !isSilencedByOthers(author)),
    standingOf,
  );
}

/** Where two have said different things one of them lies: nearly everybody is asked, by what neither could foresee. */
function askMore(state: ScoreState, final: FinalRound<unknown>, rules: JudgedRules): void {
  const { appealedTo, crypto } = rules;
  if (appealedTo === null) return;
  for (const [about, one] of state.open) {
    if (one.isDecided || isAppealed(about, one) || !areTorn([...one.votes.values()])) continue;
    const others = one.authors.filter((author) => !one.evaluators.includes(author));
    const free = mayJudge(others, state, final, rules);
    const more = drawnOf(free, Math.max(0, appealedTo - one.evaluators.length), final.root, crypto);
    state.open.set(about, { ...one, since: final.round, evaluators: [...one.evaluators, ...more] });
  }
}

function areTorn([first, ...others]: readonly (readonly number[])[]): boolean {
  return others.some((vote) => vote.some((score, index) => score !== first![index]));
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

/** Who has said of a delta something else than what is agreed. */
function overrule(
  { overruled }: ScoreState,
  about: number,
  { votes }: OpenRound,
  agreed: readonly (number | null)[],
): void {
  for (const [author, vote] of votes) {
    const isRight = agreed.every((score, index) => score === null || score === vote[index]);
    if (!isRight && overruled.size < authorsMax && !overruled.has(author)) overruled.set(author, about);
  }
}

/** In order of rounds, each as soon as nothing can change it any more; who was asked is known as long as anything counts that is said of it. */
function decideAll(state: ScoreState, { round, standingOf }: FinalRound<unknown>, rules: JudgedRules): void {
  for (const [about, one] of [...state.open].sort(([a], [b]) => a - b)) {
    const isLate = !isInTime(one, { about, round: round + 1 }, rules);
    if (one.isDecided) {
      if (isLate) state.open.delete(about);
      continue;
    }
    const agreed = rules.agree(one, state, standingOf);
    const isSettled = isAppealed(about, one) && !agreed.includes(null);
    if (!isSettled && !isLate && one.votes.size < one.evaluators.length) return;
    if (isLate) state.open.delete(about);
    else state.open.set(about, { ...one, votes: new Map(), isDecided: true });
    if (isAppealed(about, one)) overrule(state, about, one, agreed);
    remember(state, about, { authors: one.authors, scores: agreed, standingOf }, rules);
    forgetOldest(state.memory);
    findHarmful(state.memory, round, rules);
    state.gate = gateOf(state.memory, rules);
  }
}
