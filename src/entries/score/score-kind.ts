/**
 * Scores with a memory. Evaluators, drawn once a round is final, say of each of its deltas by how much it lowers the loss on examples of
 * the run's evaluation set, drawn at the same time, so that nobody could foresee either. What most of them say is remembered by author;
 * who is remembered to do harm carries no weight. Honest evaluators come to the same integers: what most say is what anybody can compute
 * again, or a lie that most of those drawn agreed on.
 */
import * as z from 'zod';
import { bytesToHex, keyToBytes } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import type { PeerKey, RefusalReason } from '../../core/io.ts';
import type { FinalRound } from '../../log/entry-kind.ts';
import type { EntryHeader } from '../../log/envelope.ts';
import { defineJudging, type JudgingContext, type JudgingKind } from '../judging-kind.ts';
import { decodeScores, encodeScores, scoresMax } from './score-body.ts';
import { forgetOldest, limitOf, type MemoryRules, remember } from './score-memory.ts';
import {
  decodeScoreState,
  encodeScoreState,
  evaluatorsMax,
  type OpenRound,
  type ScoreState,
  scoreStateBytesMax,
} from './score-state.ts';

const schema = z.strictObject({
  id: z
    .literal('scores')
    .describe('evaluators score deltas on public examples; whoever is remembered to do harm weighs nothing'),
  examples: z
    .int()
    .min(1)
    .max(65_536)
    .default(256)
    .describe("of the run's evaluation set, drawn anew for each round; 256 measured on MNIST"),
  evaluators: z
    .int()
    .min(1)
    .max(evaluatorsMax)
    .default(3)
    .describe('members drawn for each round among its authors; guess'),
  memory: z
    .number()
    .min(0)
    .max(0.999)
    .default(0.97)
    .describe('part of what is remembered of an author that is left after its next score; 0.97 measured'),
  gate: z
    .number()
    .positive()
    .max(10)
    .default(0.3)
    .describe(
      'an author carries no weight while what is remembered of it is below minus this times the median of its size; 0.1 to 0.5 measured',
    ),
  lead: z
    .number()
    .positive()
    .max(1000)
    .default(10)
    .describe(
      'more than this is not remembered in favour of anybody, in median scores of a round: how long who turns may do harm; guess',
    ),
});
type ScoresSpec = z.infer<typeof schema>;

/** Entries of an author in a round: a node that catches up judges several at once. */
const entriesPerAuthor = 4;
const entriesPerRoundMax = 64;
/** Rounds after a round is final in which what is said of it counts: for whoever is slow, or folds late. Guess. */
const slackRounds = 3;
/** A delta has one byte for its type and eight of value; an array at most five of header. */
const bodyBytesMax = 5 + 9 * scoresMax;

export const scores = defineJudging({
  id: 'scores',
  schema,
  examples: [{ id: 'scores' }, { id: 'scores', evaluators: 1, memory: 0.5, gate: 0.1 }],
  create: createScoreKind,
  protects: ({ evaluators }) =>
    `deltas that raise the loss on public examples lose their weight, by ${evaluators} evaluators a round; not from a majority of those ` +
    'drawn that lies together, and not from harm that the examples do not show',
});

interface ScoreRules extends MemoryRules, JudgingContext {
  /** What is said of a round counts in so many rounds after it. */
  readonly deadlineRounds: number;
  readonly evaluators: number;
}

function createScoreKind(spec: ScoresSpec, context: JudgingContext): JudgingKind {
  const rules: ScoreRules = { ...spec, ...context, deadlineRounds: context.windowRounds + slackRounds };
  const { runId } = context;
  const rounds = rules.deadlineRounds;
  const kind: JudgingKind<readonly number[], ScoreState> = {
    id: 'score',
    bodyBytesMax,
    perAuthorAndRound: entriesPerAuthor,
    entriesPerRoundMax,
    stateBytesMax: scoreStateBytesMax(rounds, bodyBytesMax),
    decode: (body, claims) => (judgedRound(claims) === null ? null : decodeScores(body)),
    admit: (entry, state) => reasonToRefuse(entry, state, rounds),
    initial: () => ({ open: new Map(), memory: new Map(), limit: 0 }),
    clone: ({ open, memory, limit }) => ({ open: new Map(open), memory: new Map(memory), limit }),
    reduce(state, round) {
      takeVotes(state, round, rules);
      if (round.publishers.length > 0) state.open.set(round.round, opened(round, rules));
      decideAll(state, round.round, rules);
      return { publishers: [], effort: null, everyone: false };
    },
    silences: ({ memory, limit }, author) => (memory.get(author)?.sum ?? 0) < limit,
    encode: encodeScoreState,
    decodeState: (bytes) => {
      const state = decodeScoreState(bytes);
      return state && { ...state, limit: limitOf(state.memory, rules) };
    },
    show: shown,
    dutyIn: (state, round, member) => {
      const one = (state as ScoreState).open.get(round);
      if (!one?.evaluators.includes(member)) return null;
      const { authors, root } = one;
      return { authors, streamKey: `${runId}/evaluation/${bytesToHex(root)}`, examples: spec.examples };
    },
    isInTime: (about, round) => isInTime(about, round, rounds),
    compose: encodeScores,
  };
  return kind as unknown as JudgingKind;
}

/** The round that an entry is about. */
function judgedRound(claims: readonly unknown[]): number | null {
  const [round] = claims;
  return claims.length === 1 && Number.isSafeInteger(round) && (round as number) >= 0
    ? (round as number)
    : null;
}

/** What is about a round that is not final here yet may be in time elsewhere: gossip brings it again. */
function reasonToRefuse(
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

/** Only what was asked for, as long as it is asked for, and the first word of each. */
function takeVotes(
  state: ScoreState,
  { round, entries, banned }: FinalRound<readonly number[]>,
  { deadlineRounds }: ScoreRules,
): void {
  for (const { author, claims, content } of entries) {
    const about = judgedRound(claims)!;
    const one = state.open.get(about);
    if (!one || !isInTime(about, round, deadlineRounds)) continue;
    if (!one.evaluators.includes(author) || banned.has(author)) continue;
    if (one.votes.has(author) || content.length !== one.authors.length) continue;
    state.open.set(about, { ...one, votes: new Map(one.votes).set(author, content) });
  }
}

function opened(
  { root, publishers, banned, isSilenced }: FinalRound<unknown>,
  { evaluators, crypto }: ScoreRules,
): OpenRound {
  const authors = [...publishers].sort().slice(0, scoresMax);
  const free = authors.filter((author) => !isSilenced(author) && !banned.has(author));
  return { root, authors, evaluators: drawnOf(free, evaluators, root, crypto), votes: new Map() };
}

/** Those with the lowest hashes: drawn anew for each round, by what nobody could foresee when the deltas were written. */
function drawnOf(candidates: readonly PeerKey[], count: number, root: Uint8Array, crypto: Crypto): PeerKey[] {
  const domain = new TextEncoder().encode('evaluator');
  return candidates
    .map((author) => ({ author, ticket: bytesToHex(crypto.sha256(domain, root, keyToBytes(author))) }))
    .sort((a, b) => (a.ticket < b.ticket ? -1 : 1))
    .slice(0, count)
    .map(({ author }) => author);
}

/** In order of rounds, each as soon as nothing can change it any more. */
function decideAll(state: ScoreState, round: number, rules: ScoreRules): void {
  for (const [about, one] of [...state.open].sort(([a], [b]) => a - b)) {
    const agreed = agreedScores(one);
    const isSettled = !agreed.includes(null) || one.votes.size === one.evaluators.length;
    if (!isSettled && isInTime(about, round + 1, rules.deadlineRounds)) return;
    state.open.delete(about);
    remember(state, about, one.authors, agreed, rules);
    forgetOldest(state.memory);
    state.limit = limitOf(state.memory, rules);
  }
}

/** For each delta what more than half of those drawn say, or null. */
function agreedScores({ authors, evaluators, votes }: OpenRound): (number | null)[] {
  return authors.map((_, index) => {
    const counts = new Map<number, number>();
    for (const vote of votes.values()) {
      const score = vote[index]!;
      const count = (counts.get(score) ?? 0) + 1;
      if (2 * count > evaluators.length) return score;
      counts.set(score, count);
    }
    return null;
  });
}

function shown({ memory, limit }: ScoreState): ReturnType<JudgingKind['show']> {
  return [...memory]
    .filter(([, { sum }]) => sum < limit)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([author, { sum, round }]) => ({
      ...{ round, author },
      text: `its deltas carry no weight: their scores add up to ${sum.toFixed(1)}, below ${limit.toFixed(1)}`,
    }));
}
