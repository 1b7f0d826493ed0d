/**
 * Votes, for runs without public examples. Voters, drawn of a final round's authors, say of each other delta of it how far it goes where
 * their own training of that round went; the median of what they say, by standing, is remembered by author as scores are. No two voters
 * say the same, so nobody can recompute a vote: what holds is that liars are fewer than half of those who are still believed. Where honest
 * peers have data that pulls apart they vote against each other: then more than `silencedMax` would be silenced, and nobody is.
 */
import * as z from 'zod';
import type { PeerKey } from '../../core/io.ts';
import type { FinalRound } from '../../log/entry-kind.ts';
import { weightedMedian } from '../../math/statistics.ts';
import { defineJudging, type JudgingContext, type JudgingKind } from '../judging-kind.ts';
import { createJudgedKind, type JudgedKindOptions } from '../score/judged-kind.ts';
import { memoryFields } from '../score/score-memory.ts';
import type { OpenRound, ScoreState } from '../score/score-state.ts';

/** Voters of a round. */
const votersMax = 32;

/** Rounds at the beginning that are all voted on: until then nobody is known. Guess. */
const denseRounds = 4;
/** Of those scored within 16 rounds the limit is made. */
const everyMax = 16;

const schema = z.strictObject({
  id: z
    .literal('votes')
    .describe(
      'voters compare deltas with their own training of the round, no public examples needed; whoever is remembered to do harm weighs nothing',
    ),
  voters: z
    .int()
    .min(3)
    .max(votersMax)
    .default(16)
    .describe('members drawn for each round among its authors; guess'),
  quorum: z
    .int()
    .min(1)
    .max(votersMax)
    .default(4)
    .describe(
      'what fewer others say of a delta is nothing: so few may just differ from it, as sites of a small run do; guess',
    ),
  every: z
    .int()
    .min(1)
    .max(everyMax)
    .default(8)
    .describe(
      `rounds of which one is voted on, after the first ${denseRounds} and but for those with somebody new: a vote has some 350 bytes, whatever the model; measured on MNIST`,
    ),
  ...memoryFields,
  gate: memoryFields.gate
    .default(0.6)
    .describe(
      'an author carries no weight while what is remembered of it is below minus this times the median of its size; at 0.3 chance brought an ' +
        'honest one of 16 on MNIST close to it within 30 rounds',
    ),
  silencedMax: memoryFields.silencedMax.unwrap().default(0.4).describe(memoryFields.silencedMax.description!),
});
type VotesSpec = z.infer<typeof schema>;

export const votes = defineJudging({
  id: 'votes',
  schema,
  examples: [{ id: 'votes' }, { id: 'votes', voters: 8, quorum: 2, memory: 0.5, gate: 0.1 }],
  evaluationExamples: () => null,
  create: createVoteKind,
  protects: ({ silencedMax, quorum }) =>
    'deltas that go against what most others learned lose their weight, by votes of those who trained; not from half of the voters that lie ' +
    `together, not with fewer than ${quorum + 1} voters, and not where more than ${Math.round(100 * silencedMax)} % would be silenced, as it may be where data differs much: then nobody is`,
});

function createVoteKind(spec: VotesSpec, context: JudgingContext): JudgingKind {
  const options: JudgedKindOptions = {
    id: 'vote',
    entriesPerRoundMax: 48,
    judges: spec.voters,
    judgesMin: spec.quorum,
    memory: { ...spec, trend: null, areCosines: true },
    agree: (one, state, standingOf) => medianVotes(one, state, standingOf, spec.quorum),
    // No two say the same.
    appealedTo: null,
    isJudged: (round, state) => isVotedOn(round, state, spec),
    remembersUpdates: true,
    dutyOf: ({ authors }) => ({ means: 'own-update', authors }),
  };
  return createJudgedKind(options, context);
}

/** Votes are the dearer the smaller a model is: not in every round, and not where too few vote to say anything. */
function isVotedOn(
  { round, publishers }: FinalRound<unknown>,
  { memory, open }: ScoreState,
  { every, quorum }: VotesSpec,
): boolean {
  if (publishers.length <= quorum) return false;
  if (round < denseRounds || round % every === 0) return true;
  const asked = new Set([...open.values()].flatMap(({ authors, isDecided }) => (isDecided ? [] : authors)));
  return publishers.some((author) => !memory.has(author) && !asked.has(author));
}

/** For each delta the median, by standing, of what others say who are not found to do harm, or by all where those are too few to compare; null where fewer than `quorum` do. */
function medianVotes(
  { authors, votes: said }: OpenRound,
  { memory }: ScoreState,
  standingOf: (author: PeerKey) => number,
  quorum: number,
): (number | null)[] {
  const sound = [...said].filter(([voter]) => (memory.get(voter)?.harmfulSince ?? null) === null);
  const believed = sound.length > quorum ? sound : [...said];
  return authors.map((author, index) => {
    const others = believed.filter(([voter]) => voter !== author);
    if (others.length < quorum) return null;
    const values = others.map(([, vote]) => vote[index]!);
    return weightedMedian(
      values,
      others.map(([voter]) => standingOf(voter)),
    );
  });
}
