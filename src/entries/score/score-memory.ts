/** What scores of rounds add up to, and who is silenced for it: arithmetic that IEEE 754 rounds the same everywhere. */
import * as z from 'zod';
import type { PeerKey } from '../../core/io.ts';
import { median, weightedMedian } from '../../math/statistics.ts';
import type { JudgingKind } from '../judging-kind.ts';
import { authorsMax, type Gate, type Memory, type ScoreState } from './score-state.ts';

/** Fields of every judging that remembers. */
export const memoryFields = {
  memory: z
    .number()
    .min(0)
    .max(0.999)
    .default(0.97)
    .describe('part of what is remembered of an author that is left after its next score; 0.97 measured'),
  gate: z.number().positive().max(10),
  lead: z
    .number()
    .positive()
    .max(1000)
    .default(10)
    .describe(
      'more than this is not remembered in favour of anybody, in median scores of a round: how long who turns may do harm; guess',
    ),
  silencedMax: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe(
      'where more than this part of those who were scored lately would be silenced, by standing, nobody is: it is the judging that is wrong then; guess',
    ),
};

export interface MemoryRules {
  /** What is left of a sum after its author's next score. */
  readonly memory: number;
  /** Part of the median size of sums below which, negative, an author is silenced. */
  readonly gate: number;
  /** Below this part of that already, where the sum is further from 0 than chance would bring it; null: nowhere. */
  readonly trend: number | null;
  /**
   * Scores are cosines, which come close to 0 as a training nears its end, and differ where data does: a round counts as far as its authors agree, and
   * in the largest of the rounds' medians, as it fades with the memory. Otherwise each round counts alike, in its own median.
   */
  readonly areCosines: boolean;
  /** Largest sum. */
  readonly lead: number;
  /** Part of the standing of those scored lately that may be silenced. */
  readonly silencedMax: number;
}

/** A score is counted as at most so many medians of its round either way: no round says more than a few others. Guess. */
const scoreMediansMax = 3;
/**
 * And in favour of who is silenced, as at most so many: once its deltas are taken out of the live model all at once, what others had learned
 * to make up for them is too much, and for some rounds its harm is a help. Measured on flipped labels: with 3 they came back, with 79 %.
 */
const regainedMax = 1;
/** Rounds without a score after which an author is no measure of others. Guess. */
const measureRounds = 16;

/**
 * Standard deviations that are no chance: scores of an honest author that does neither good nor harm are as often negative as not, and their sum
 * is then as far below 0 in one of 160 rounds.
 */
const trendDeviations = 2.5;

export const noGate: Gate = { limit: 0, isOff: false };

export interface ScoredRound {
  readonly authors: readonly PeerKey[];
  /** In their order. */
  readonly scores: readonly (number | null)[];
  readonly standingOf: (author: PeerKey) => number;
}

/** S <- memory S + s, where s is in medians of the round's scores; nothing for an author without a score. */
export function remember(state: ScoreState, round: number, scored: ScoredRound, rules: MemoryRules): void {
  const { memory } = state;
  const told = scored.authors.flatMap((author, index) => {
    const score = scored.scores[index]!;
    return score === null ? [] : [{ author, score, standing: scored.standingOf(author) }];
  });
  if (told.length === 0) return;
  const { scale, weight } = measureOf(state, told, rules);
  if (scale === 0) return;
  for (const { author, score, standing } of told) {
    const { sum: before = 0, spread = 0, harmfulSince = null } = memory.get(author) ?? {};
    const gainedMax = harmfulSince === null ? scoreMediansMax : regainedMax;
    const counted = weight * Math.max(-scoreMediansMax, Math.min(gainedMax, score / scale));
    const sum = Math.min(rules.lead, rules.memory * before + counted) + 0;
    memory.set(author, {
      ...{ sum, round, standing, harmfulSince },
      spread: rules.memory * rules.memory * spread + counted * counted,
    });
  }
}

/** What scores of a round are counted in, and how much the round counts. */
function measureOf(
  state: ScoreState,
  told: ReadonlyArray<{ readonly score: number; readonly standing: number }>,
  { areCosines, memory }: MemoryRules,
): { readonly scale: number; readonly weight: number } {
  const scores = told.map(({ score }) => score);
  if (!areCosines) return { scale: median(scores.map(Math.abs)), weight: 1 };
  const standings = told.map(({ standing }) => standing);
  const usual = weightedMedian(scores.map(Math.abs), standings);
  state.scale = Math.max(usual, memory * state.scale);
  // 1 where more than half go one way, 0 where as many go against it.
  const weight = usual > 0 ? Math.max(0, weightedMedian(scores, standings) / usual) : 0;
  return { scale: state.scale, weight: Math.min(1, weight) };
}

/**
 * Who does harm is so found below the limit, and until what is remembered of it is not negative any more: in between nothing is known.
 * `round`: the last final one.
 */
export function findHarmful(memory: Map<PeerKey, Memory>, round: number, rules: MemoryRules): void {
  const { limit } = gateOf(memory, rules);
  const { gate, trend } = rules;
  for (const [author, one] of memory) {
    const { sum, spread } = one;
    const isTrend =
      trend !== null &&
      sum < (trend / gate) * limit &&
      sum * sum > trendDeviations * trendDeviations * spread;
    const isHarmful = sum < limit || (isTrend && sum < 0) || (one.harmfulSince !== null && sum < 0);
    const harmfulSince = isHarmful ? (one.harmfulSince ?? round) : null;
    if (harmfulSince !== one.harmfulSince) memory.set(author, { ...one, harmfulSince });
  }
}

export function gateOf(memory: ReadonlyMap<PeerKey, Memory>, { gate, silencedMax }: MemoryRules): Gate {
  const newest = Math.max(...[...memory.values()].map(({ round }) => round));
  const lately = [...memory.values()].filter(({ round }) => round > newest - measureRounds);
  if (lately.length === 0) return noGate;
  const limit = -gate * median(lately.map(({ sum }) => Math.abs(sum)));
  let [total, silenced] = [0, 0];
  // Standings are whole 16ths: the sums do not depend on the order.
  for (const { harmfulSince, standing } of lately) {
    total += standing;
    if (harmfulSince !== null) silenced += standing;
  }
  return { limit, isOff: silenced > silencedMax * total };
}

export function isSilenced({ memory, gate }: ScoreState, author: PeerKey): boolean {
  return !gate.isOff && (memory.get(author)?.harmfulSince ?? null) !== null;
}

/** Those longest without a score, where there are too many. */
export function forgetOldest(memory: Map<PeerKey, Memory>): void {
  if (memory.size <= authorsMax) return;
  const newestFirst = [...memory].sort(([a, x], [b, y]) => y.round - x.round || (a < b ? -1 : 1));
  for (const [author] of newestFirst.slice(authorsMax)) memory.delete(author);
}

/** Lines for people on who says what nobody honest says. `what`: scores, votes. */
export function absurdOf({ absurd }: ScoreState, what: string): ReturnType<JudgingKind['show']> {
  return [...absurd]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([author, count]) => ({
      ...{ round: null, author, isVerdict: true as const },
      text: `${count} times its ${what} did not count: it was not asked, or they were not one for each delta`,
    }));
}

/** Lines for people on who was shown to be wrong as a judge. */
export function overruledOf({ overruled }: ScoreState): ReturnType<JudgingKind['show']> {
  return [...overruled]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([author, round]) => ({
      ...{ round, author, isVerdict: true as const },
      text: `its scores are not asked for any more: it said otherwise of round ${round} than most of all who were asked`,
    }));
}

const advice =
  'check that its examples are what the others train on (classes, units, order of columns) and that no answers are swapped; its deltas weigh again ' +
  'once they have done good for as long as they did harm';

/** Lines for people on who is silenced, or would be. `what`: scores, votes. */
export function shownOf({ memory, gate }: ScoreState, what: string): ReturnType<JudgingKind['show']> {
  const { limit, isOff } = gate;
  return [...memory]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([author, { sum, harmfulSince }]) => {
      if (harmfulSince === null) return [];
      const sums = `their ${what} add up to ${sum.toFixed(1)}, for a limit of ${limit.toFixed(1)}`;
      const found = { round: harmfulSince, author, isVerdict: true as const };
      return isOff
        ? {
            ...found,
            text: `its deltas keep their weight, though ${sums}: so many would be silenced that it is the judging that is wrong`,
          }
        : { ...found, text: `its deltas carry no weight: ${sums}`, silenced: { advice } };
    });
}
