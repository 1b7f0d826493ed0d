/** What scores of rounds add up to: arithmetic that IEEE 754 rounds the same everywhere. */
import type { PeerKey } from '../../core/io.ts';
import { median } from '../../math/statistics.ts';
import { authorsMax, type Memory, type ScoreState } from './score-state.ts';

export interface MemoryRules {
  /** What is left of a sum after its author's next score. */
  readonly memory: number;
  /** Part of the median size of sums below which, negative, an author is silenced. */
  readonly gate: number;
  /** Largest sum. */
  readonly lead: number;
}

/** A score is counted as at most so many medians of its round either way: no round says more than a few others. Guess. */
const scoreMediansMax = 3;
/** Rounds without a score after which an author is no measure of others. Guess. */
const measureRounds = 16;

/** S <- memory S + s, where s is in medians of the round's scores; nothing for an author without a score. */
export function remember(
  { memory }: ScoreState,
  round: number,
  authors: readonly PeerKey[],
  scores: readonly (number | null)[],
  rules: MemoryRules,
): void {
  const sizes = scores.flatMap((score) => (score === null ? [] : [Math.abs(score)]));
  const scale = sizes.length > 0 ? median(sizes) : 0;
  if (scale === 0) return;
  for (const [index, author] of authors.entries()) {
    const score = scores[index]!;
    if (score === null) continue;
    const counted = Math.max(-scoreMediansMax, Math.min(scoreMediansMax, score / scale));
    const sum = Math.min(rules.lead, rules.memory * (memory.get(author)?.sum ?? 0) + counted) + 0;
    memory.set(author, { sum, round });
  }
}

/** Whose sum is below it carries no weight. */
export function limitOf(memory: ReadonlyMap<PeerKey, Memory>, { gate }: MemoryRules): number {
  const newest = Math.max(...[...memory.values()].map(({ round }) => round));
  const sizes = [...memory.values()].flatMap(({ sum, round }) =>
    round > newest - measureRounds ? [Math.abs(sum)] : [],
  );
  return sizes.length > 0 ? -gate * median(sizes) : 0;
}

/** Those longest without a score, where there are too many. */
export function forgetOldest(memory: Map<PeerKey, Memory>): void {
  if (memory.size <= authorsMax) return;
  const newestFirst = [...memory].sort(([a, x], [b, y]) => y.round - x.round || (a < b ? -1 : 1));
  for (const [author] of newestFirst.slice(authorsMax)) memory.delete(author);
}
