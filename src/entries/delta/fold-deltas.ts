/**
 * The model as a function of the log: start vector minus, round by round, the weighted deltas, added in integers.
 *
 * Units are 2^-42 (codec/scale.ts) in doubles that hold integers: exact below 2^53, which deltasPerRoundMax times the largest
 * magnitude (< 4 = 2^44 units) respects; after each round coordinates are clamped to 2^52.
 */
import { accumulateDeltas } from '../../codec/delta.ts';
import { median } from '../../math/statistics.ts';
import { type DeltaRules, type DeltaState, type PendingDelta, unitsMax } from './delta-state.ts';
import { sortitionThreshold } from './sortition.ts';

/** Deltas in a round. */
export const deltasPerRoundMax = 512;
/** Rounds looked back for a median norm. Guess. */
const medianLookbackRounds = 16;

/**
 * Outer learning rate for m publishers: min(1/sqrt(m), 4/m), measured on MNIST with 8 to 32 peers; 1 where deltas that overlap are
 * averaged.
 */
export function outerRate(publishers: number, { outerRate: rate, overlap }: DeltaRules): number {
  return rate ?? (overlap === 'mean' ? 1 : Math.min(1 / Math.sqrt(publishers), 4 / publishers));
}

/** Deltas of a round that carry weight, given all that are in its set. */
export function drawn(
  state: DeltaState,
  round: number,
  deltas: readonly PendingDelta[],
  rules: DeltaRules,
): readonly PendingDelta[] {
  const threshold = sortitionThreshold(state.statistics, round, rules);
  return deltas.filter(({ ticket }) => ticket < threshold);
}

/** Folds what was drawn of a round into the state. */
export function foldDeltas(
  state: DeltaState,
  round: number,
  deltas: readonly PendingDelta[],
  rules: DeltaRules,
): void {
  const threshold = sortitionThreshold(state.statistics, round, rules);
  const reference = referenceNorm(state, round, rules);
  const rate = outerRate(Math.max(1, deltas.length), rules);
  const terms = deltas.map(({ author, content }) => {
    const staleness = 1 / (1 + content.misses / rules.committeeSize);
    const clip = reference > 0 ? Math.min(1, (rules.clipFactor * reference) / content.norm) : 1;
    const weight = rate * staleness * clip;
    const before = state.contributions.get(author) ?? { deltas: 0, energy: 0 };
    // A product, not a power: engines round ** differently.
    const weightedNorm = weight * content.norm;
    const energy = before.energy + weightedNorm * weightedNorm;
    state.contributions.set(author, { deltas: before.deltas + 1, energy });
    return { delta: content.delta, multiplier: -weight };
  });
  accumulateDeltas(state.units, terms, unitsMax, rules.overlap);
  // Empty deltas cost their author nothing: they must not say what is large.
  const norms = deltas.map(({ content }) => content.norm).filter((norm) => norm > 0);
  const medianNorm = norms.length > 0 ? median(norms) : 0;
  state.statistics.set(round, { publishers: deltas.length, threshold, medianNorm });
  state.statistics.delete(round - rules.windowRounds - medianLookbackRounds);
}

/** Median norm of the newest round with any change that is final when `round` begins; 0 when there is none. */
function referenceNorm(state: DeltaState, round: number, { windowRounds }: DeltaRules): number {
  const newest = round - windowRounds;
  for (let r = newest; r > newest - medianLookbackRounds && r >= 0; r--) {
    const medianNorm = state.statistics.get(r)?.medianNorm ?? 0;
    if (medianNorm > 0) return medianNorm;
  }
  return 0;
}
