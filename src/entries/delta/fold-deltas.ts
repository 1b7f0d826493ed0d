/**
 * The model as a function of the log: start vector minus, round by round, the weighted deltas, added in integers.
 *
 * Units are 2^-42 (codec/scale.ts) in doubles that hold integers: exact below 2^53, which deltasPerRoundMax times the largest
 * magnitude (< 4 = 2^44 units) respects for outer rates up to 1; beyond, all add in the order of authors, so that replicas agree
 * all the same. After each round coordinates are clamped to 2^52.
 */
import { accumulateDeltas } from '../../codec/delta.ts';
import type { PeerKey } from '../../core/io.ts';
import { unitsMax } from '../model-units.ts';
import type { DeltaRules, DeltaState, PendingDelta } from './delta-state.ts';
import { sortitionThreshold } from './sortition.ts';
import { weighDeltas } from './weigh-deltas.ts';

/** Deltas in a round. */
export const deltasPerRoundMax = 512;
/** Rounds before the newest final one whose statistics are kept. */
const statisticsKept = 16;

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

/** What a round did to the model. */
export interface FoldedDeltas {
  readonly round: number;
  /** The model in units of 2^-42 before, and after: copies. */
  readonly before: Float64Array;
  readonly after: Float64Array;
  readonly deltas: readonly PendingDelta[];
  /** One for each delta. */
  readonly weights: readonly number[];
  /** What norms of the round were measured by. */
  readonly reference: number;
}

/** For those who ask afterwards who moved the model where to; replicas do not. */
export type FoldObserver = (folded: FoldedDeltas) => void;

/** Rounds that are folded anew without what some had added to them: what was observed of them before does not hold any more. */
export interface UndoneRounds {
  /** The first of them. */
  readonly from: number;
  /** Whose deltas are taken out. */
  readonly authors: ReadonlySet<PeerKey>;
  /** What is left of them, round by round, each made when it is asked for. */
  folds(): Iterable<FoldedDeltas>;
}

export type UndoObserver = (undone: UndoneRounds) => void;

/** As `FoldObserver`, of the weights alone: that costs nothing. */
export type WeightObserver = (
  round: number,
  deltas: readonly PendingDelta[],
  weights: readonly number[],
) => void;

export interface FoldObservers {
  /** Is told of each round that is folded for good. */
  readonly observeFold?: FoldObserver | undefined;
  /** And of rounds that are folded anew without what somebody had added. */
  readonly observeUndo?: UndoObserver | undefined;
  readonly observeWeights?: WeightObserver | undefined;
}

/** Folds what is to carry weight of a round, `publishers` having been drawn, into the state. */
export function foldDeltas(
  state: DeltaState,
  round: number,
  deltas: readonly PendingDelta[],
  rules: DeltaRules,
  publishers: number,
  { observeFold, observeWeights }: FoldObservers = {},
): void {
  const threshold = sortitionThreshold(state.statistics, round, rules);
  const { weights, reference } = weighDeltas(state, round, deltas, rules);
  const terms = deltas.map(({ author, content }, index) => {
    const weight = weights[index]!;
    const before = state.contributions.get(author) ?? { deltas: 0, energy: 0 };
    // A product, not a power: engines round ** differently.
    const weightedNorm = weight * content.norm;
    const energy = before.energy + weightedNorm * weightedNorm;
    state.contributions.set(author, { deltas: before.deltas + 1, energy });
    return { delta: content.delta, multiplier: -weight };
  });
  observeWeights?.(round, deltas, weights);
  const before = observeFold && deltas.length > 0 ? state.units.slice() : null;
  accumulateDeltas(state.units, terms, unitsMax, rules.overlap);
  if (before) observeFold?.({ round, before, after: state.units.slice(), deltas, weights, reference });
  state.statistics.set(round, { publishers, threshold, reference });
  state.statistics.delete(round - rules.windowRounds - statisticsKept);
}
