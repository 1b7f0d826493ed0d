/**
 * What the deltas of a round weigh against each other: a function of the round's set and of the state before it. No key of a few
 * rounds' work, and no number of keys, makes a delta count that is large beside those of who has worked before.
 */
import type { PeerKey } from '../../core/io.ts';
import { standingOf } from '../../log/entitlement.ts';
import { weightedMedian } from '../../math/statistics.ts';
import type { DeltaRules, DeltaState, PendingDelta } from './delta-state.ts';

/** The reference moves by at most this factor from one round to the next. Guess. */
const referenceStep = 1.5;

/**
 * Outer learning rate for m publishers: min(1/sqrt(m), 4/m), measured on MNIST with 8 to 32 peers; 1 where deltas that overlap are
 * averaged.
 */
function outerRate(publishers: number, { outerRate: rate, overlap }: DeltaRules): number {
  return rate ?? (overlap === 'mean' ? 1 : Math.min(1 / Math.sqrt(publishers), 4 / publishers));
}

export interface Weighed {
  /** One for each delta, 0 to 4. */
  readonly weights: readonly number[];
  /** What norms of the round are measured by; 0 until a delta has moved anything. */
  readonly reference: number;
}

/** A member that was named has its say from the start; of an open run by the deltas of it that counted. */
export function standingIn(
  { contributions }: Pick<DeltaState, 'contributions'>,
  author: PeerKey,
  { isOpen }: Pick<DeltaRules, 'isOpen'>,
): number {
  return isOpen ? standingOf(contributions.get(author)?.deltas ?? 0) : 1;
}

/** `deltas`: those drawn, one an author. */
export function weighDeltas(
  state: DeltaState,
  round: number,
  deltas: readonly PendingDelta[],
  rules: DeltaRules,
): Weighed {
  const standings = deltas.map(({ author }) => standingIn(state, author, rules));
  const reference = referenceNorm(state, round, deltas, standings, rules);
  if (deltas.length === 0) return { weights: [], reference };
  // Where all are new, all count in full; beside those who have worked, newcomers count by what they have done.
  const usual = weightedMedian(standings, standings);
  // Standings are whole 16ths: the sum does not depend on the order.
  const publishers = standings.reduce((sum, standing) => sum + Math.min(standing, usual), 0) / usual;
  const rate = outerRate(publishers, rules);
  const weights = deltas.map(({ content }, index) => {
    const staleness = 1 / (1 + content.misses / rules.committeeSize);
    const clip = Math.min(1, (rules.clipFactor * reference) / content.norm, rules.normMax / content.norm);
    const share = Math.min(1, standings[index]! / usual);
    return content.norm > 0 ? rate * staleness * clip * share : 0;
  });
  return { weights, reference };
}

/**
 * The median norm of the round's own deltas, by standing; it leaves that of the round before by a bounded factor only. Empty deltas
 * cost their author nothing: they do not say what is large.
 */
function referenceNorm(
  state: DeltaState,
  round: number,
  deltas: readonly PendingDelta[],
  standings: readonly number[],
  { normMax }: DeltaRules,
): number {
  const before = state.statistics.get(round - 1)?.reference ?? 0;
  const moving = deltas.flatMap(({ content: { norm } }, index) =>
    norm > 0 ? [{ norm: Math.min(norm, normMax), standing: standings[index]! }] : [],
  );
  if (moving.length === 0) return before;
  const median = weightedMedian(
    moving.map(({ norm }) => norm),
    moving.map(({ standing }) => standing),
  );
  if (before === 0) return median;
  return Math.max(before / referenceStep, Math.min(before * referenceStep, median));
}
