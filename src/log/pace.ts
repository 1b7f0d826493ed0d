/**
 * Which rounds count and how long they last: pure functions of the final log, so that all replicas agree. A round counts when
 * enough deltas carried weight in it; the run ends after as many as it asks for. When peers do less work than they are asked
 * for, or some do not make it in time, slots grow by a factor, and shrink back later (as a chain of blocks sets its
 * difficulty). All arithmetic is + - * / on doubles, which IEEE 754 rounds the same everywhere.
 */
import type { RoundSummary } from './entry-kind.ts';

export interface PaceSpec {
  /** Unix time in ms at which round 0 begins. */
  readonly startAtMs: number;
  /** Shortest and longest slot; the pace is fixed where they are equal. */
  readonly slotMs: number;
  readonly slotMsMax: number;
  /** Rounds that count. */
  readonly rounds: number;
  /** Deltas that a round needs to count. */
  readonly publishersMin: number;
  /** The run ends so many ms after its start whatever counted; null: never. */
  readonly timeMaxMs: number | null;
  /** Rounds until a round is final. */
  readonly windowRounds: number;
  /** Rounds after the last one in which it is still judged. */
  readonly judgingRounds: number;
}

/** Both in [0, 1]; null where that means nothing. */
export interface RecentRound {
  /** Part of those who published before that did so in time. */
  readonly made: number | null;
  /** Median part of the work asked for that was done. */
  readonly effort: number | null;
}

/** As of a final round. Never modified. */
export interface Pace {
  /** Rounds so far that count. */
  readonly counted: number;
  /** Last round of those asked for; null while some are to come. */
  readonly endRound: number | null;
  /** From round `fromRound` on, which begins at `fromMs`, a slot lasts `slotMs`. */
  readonly fromRound: number;
  readonly fromMs: number;
  readonly slotMs: number;
  /** A change that is decided and not final yet. */
  readonly next: { readonly fromRound: number; readonly slotMs: number } | null;
  /** Most publishers of a round in which all were asked, slowly forgotten. */
  readonly peak: number;
  /** The last rounds that counted under this slot length, oldest first. */
  readonly recent: readonly RecentRound[];
}

/** Rounds looked at before slots grow, and before they shrink. Guesses. */
const growRounds = 4;
export const shrinkRounds = 16;
/** Rounds after the window in which a change takes effect: by then nearly every peer has folded its reason. Guess. */
const noticeRounds = 3;
/** Guesses. */
const growFactor = 2;
const shrinkFactor = 0.75;
/** Below these parts of the publishers there were, or of the work asked for, slots grow. Guesses. */
const publishersLow = 0.75;
const effortLow = 0.9;
/** At or above these they may shrink. Guesses. */
const publishersHigh = 0.95;
const effortHigh = 0.99;
/** What is left of the peak after a round. Guess. */
const peakDecay = 31 / 32;

export function initialPace({ startAtMs, slotMs }: Pick<PaceSpec, 'startAtMs' | 'slotMs'>): Pace {
  return {
    ...{ counted: 0, endRound: null, fromRound: 0, fromMs: startAtMs, slotMs },
    ...{ next: null, peak: 0, recent: [] },
  };
}

/** The pace after `round` is final. */
export function advancePace(pace: Pace, round: number, summary: RoundSummary, spec: PaceSpec): Pace {
  const begun = pace.next && round >= pace.next.fromRound ? changed(pace, pace.next) : pace;
  if (begun.endRound !== null) return begun;
  const counts = summary.carried >= spec.publishersMin;
  const counted = begun.counted + (counts ? 1 : 0);
  const timeIsUp =
    spec.timeMaxMs !== null && roundStartMs(begun, round + 1) - spec.startAtMs >= spec.timeMaxMs;
  const endRound = counted >= spec.rounds || timeIsUp ? round : null;
  if (!counts) return endRound === null ? begun : { ...begun, endRound };
  const peak = summary.everyone ? Math.max(summary.carried, begun.peak * peakDecay) : 0;
  const made = summary.everyone ? summary.carried / peak : null;
  const after: Pace = {
    ...begun,
    counted,
    endRound,
    peak,
    recent: [...begun.recent.slice(1 - shrinkRounds), { made, effort: summary.effort }],
  };
  const slotMs = after.next ? after.slotMs : slotMsWanted(after, spec);
  if (slotMs === after.slotMs) return after;
  return { ...after, next: { fromRound: round + spec.windowRounds + noticeRounds, slotMs } };
}

function changed(pace: Pace, next: NonNullable<Pace['next']>): Pace {
  return {
    ...pace,
    fromRound: next.fromRound,
    fromMs: roundStartMs({ ...pace, next: null }, next.fromRound),
    slotMs: next.slotMs,
    next: null,
    recent: [],
  };
}

/** How long slots should last after what the recent rounds were like. */
function slotMsWanted({ slotMs, recent }: Pace, { slotMs: shortest, slotMsMax }: PaceSpec): number {
  const last = recent.slice(-growRounds);
  if (last.length < growRounds) return slotMs;
  const sum = (field: keyof RecentRound): number =>
    last.reduce((before, one) => before + (one[field] ?? 1), 0);
  const grows = sum('made') < publishersLow * growRounds || sum('effort') < effortLow * growRounds;
  if (grows) return Math.min(slotMsMax, growFactor * slotMs);
  const isHealthy = ({ made, effort }: RecentRound) =>
    (made ?? 1) >= publishersHigh && (effort ?? 1) >= effortHigh;
  const shrinks = recent.length >= shrinkRounds && recent.every(isHealthy);
  return shrinks ? Math.max(shortest, Math.round(shrinkFactor * slotMs)) : slotMs;
}

/** All rounds of the run are folded once this one is. */
export function isOver(
  pace: Pace,
  round: number,
  { judgingRounds }: Pick<PaceSpec, 'judgingRounds'>,
): boolean {
  return pace.endRound !== null && round >= pace.endRound + judgingRounds;
}

/** The round of the wall clock: negative before the start. */
export function roundAt(pace: Pace, nowMs: number): number {
  const round = pace.fromRound + Math.floor((nowMs - pace.fromMs) / pace.slotMs);
  return pace.next && round >= pace.next.fromRound ? roundAt(changed(pace, pace.next), nowMs) : round;
}

export function roundStartMs(pace: Pace, round: number): number {
  if (pace.next && round >= pace.next.fromRound) return roundStartMs(changed(pace, pace.next), round);
  return pace.fromMs + (round - pace.fromRound) * pace.slotMs;
}

/** How long a round lasts. */
export function slotMsOf(pace: Pace, round: number): number {
  return pace.next && round >= pace.next.fromRound ? pace.next.slotMs : pace.slotMs;
}
