/**
 * Scores with a memory. Evaluators, drawn once a round is final, say of each of its deltas by how much it lowers the loss on examples of
 * the run's evaluation set, drawn at the same time, so that nobody could foresee either. What most of them say is remembered by author;
 * who is remembered to do harm carries no weight. Honest evaluators come to the same integers: where two say different things one of them
 * lies, nearly everybody is asked, and who stands against most of all judges no more.
 */
import * as z from 'zod';
import { bytesToHex } from '../../core/bytes.ts';
import { defineJudging, type JudgingContext, type JudgingKind } from '../judging-kind.ts';
import { createJudgedKind, type JudgedKindOptions } from './judged-kind.ts';
import { memoryFields } from './score-memory.ts';
import type { OpenRound } from './score-state.ts';

/** Of the gate. Where the sum is no chance so much is harm. Guess. */
const trendPart = 0.3;

/** Evaluators of a round. */
const evaluatorsMax = 16;
/** And of one of which two have said different things: fewer than half of as many members are never most of them. Guess. */
const appealedTo = 31;

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
  ...memoryFields,
  gate: memoryFields.gate
    .default(1)
    .describe(
      'an author carries no weight while what is remembered of it is below minus this times the median of its size; at 0.3 chance silenced up to three honest ones ' +
        'of ten on MNIST within 30 rounds (docs/RESULTS.md)',
    ),
});
type ScoresSpec = z.infer<typeof schema>;

export const scores = defineJudging({
  id: 'scores',
  schema,
  examples: [{ id: 'scores' }, { id: 'scores', evaluators: 1, memory: 0.5, gate: 0.1 }],
  evaluationExamples: ({ examples }) => examples,
  create: createScoreKind,
  protects: ({ evaluators }) =>
    `deltas that raise the loss on public examples lose their weight, by ${evaluators} evaluators a round, and by nearly everybody where these say ` +
    'different things; not where all of those drawn lie together, or half of all, and not from harm that the examples do not show',
});

function createScoreKind(spec: ScoresSpec, context: JudgingContext): JudgingKind {
  const { evaluators, examples } = spec;
  const options: JudgedKindOptions = {
    id: 'score',
    entriesPerRoundMax: 48,
    judges: evaluators,
    judgesMin: 0,
    memory: { ...spec, trend: trendPart * spec.gate, areCosines: false },
    agree: agreedScores,
    appealedTo,
    isJudged: () => true,
    remembersUpdates: false,
    dutyOf: ({ authors, root }) => {
      const streamKey = `${context.runId}/evaluation/${bytesToHex(root)}`;
      return { means: 'examples', authors, streamKey, examples };
    },
  };
  return createJudgedKind(options, context);
}

/** For each delta what more than half of all who were drawn say, silent ones too, or null. */
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
