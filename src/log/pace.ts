/**
 * Which rounds count and how long they last: pure functions of the final log, so that all replicas agree. A round counts when
 * enough deltas counted in it; the run ends after as many as it asks for. When peers do less work than they are asked
 * for, or do not make it in time, slots grow by a factor, and shrink by it again once they keep up (as a chain of blocks sets
 * its difficulty). Both are judged by medians over peers: fewer than half of them can neither stretch slots nor hold them long.
 * All arithmetic is + - * / on doubles, which IEEE 754 rounds the same everywhere.
 */
import type { PeerKey } from '../core/io.ts';
import { median } from '../math/statistics.ts';
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
  /**
   * Who published in the last `presenceRounds` rounds that counted while all were asked to, one bit a round, the newest the
   * lowest. Nobody else is in it.
   */
  readonly presence: ReadonlyMap<PeerKey, number>;
  /** Median part of the work asked for, of the last `settledRounds` rounds that counted under this slot length, oldest first. */
  readonly efforts: readonly (number | null)[];
  /** So many rounds in a row, up to the newest that counted under this slot length, peers kept up; at most `patienceMax`. */
  readonly steady: number;
  /** So many there must be before slots shrink. */
  readonly patience: number;
  /** The last change made slots shorter. */
  readonly shrank: boolean;
}

/** Rounds looked at before slots grow, the newest under a slot length. Guess. */
const recentRounds = 4;
/**
 * Rounds seen under a slot length before it grows: peers learn over some rounds how many steps fit. With four, measured, efforts of
 * .57, .72, .78 on a busy machine made slots grow once more.
 */
export const settledRounds = 8;
/**
 * Slots do not grow before so many rounds have counted: processes that have just started are slow, and soon are not. Measured
 * with eight nodes on two cores: twelve rounds of half a second.
 */
const warmUpRounds = 16;
/** Rounds after the window in which a change takes effect: by then nearly every peer has folded its reason. Guess. */
const noticeRounds = 3;
/** Growing and shrinking undo each other. Guess. */
const slotFactor = 2;
/**
 * Below this part of the work asked for slots grow, at or above that one they may shrink. Guesses: rounds that last twice as long
 * are worth a third more work, not a tenth.
 */
const effortLow = 0.75;
const effortHigh = 0.99;
/** Slots grow where the median publisher missed more of `recentRounds` rounds; who comes and goes misses some. Guess. */
const missedMax = 2;
/** A publisher is waited for if it made it in this part of so many rounds; who is seen less often has left, or comes rarely. Guesses. */
export const presenceRounds = 16;
const expectedPart = 1 / 4;
/** Steady rounds before slots shrink: the first time, and at most, after slots have had to grow again and again. Guesses. */
export const patienceMin = 4;
export const patienceMax = 64;

export function initialPace({ startAtMs, slotMs }: Pick<PaceSpec, 'startAtMs' | 'slotMs'>): Pace {
  return {
    ...{ counted: 0, endRound: null, fromRound: 0, fromMs: startAtMs, slotMs, next: null },
    ...{ presence: new Map(), efforts: [], steady: 0, patience: patienceMin, shrank: false },
  };
}

/** The pace after `round` is final. */
export function advancePace(pace: Pace, round: number, summary: RoundSummary, spec: PaceSpec): Pace {
  const begun = pace.next && round >= pace.next.fromRound ? changed(pace, pace.next) : pace;
  if (begun.endRound !== null) return begun;
  const counts = summary.publishers.length >= spec.publishersMin;
  const counted = begun.counted + (counts ? 1 : 0);
  const timeIsUp =
    spec.timeMaxMs !== null && roundStartMs(begun, round + 1) - spec.startAtMs >= spec.timeMaxMs;
  const endRound = counted >= spec.rounds || timeIsUp ? round : null;
  if (!counts) return endRound === null ? begun : { ...begun, endRound };
  const after = observed({ ...begun, counted, endRound }, summary);
  return after.next ? after : decided(after, round + spec.windowRounds + noticeRounds, spec);
}

function changed(pace: Pace, next: NonNullable<Pace['next']>): Pace {
  return {
    ...pace,
    fromRound: next.fromRound,
    fromMs: roundStartMs({ ...pace, next: null }, next.fromRound),
    slotMs: next.slotMs,
    ...{ next: null, efforts: [], steady: 0 },
  };
}

/** With what the newest round that counts was like. */
function observed(pace: Pace, { publishers, effort, everyone }: RoundSummary): Pace {
  const presence = everyone ? presenceAfter(pace.presence, publishers) : new Map<PeerKey, number>();
  const efforts = [...pace.efforts, effort].slice(-settledRounds);
  const recent = Math.min(recentRounds, efforts.length);
  const keepUp = (effort ?? 1) >= effortHigh && medianMissed(presence, recent) === 0;
  const steady = keepUp ? Math.min(patienceMax, pace.steady + 1) : 0;
  return { ...pace, presence, efforts, steady };
}

function presenceAfter(
  before: ReadonlyMap<PeerKey, number>,
  publishers: readonly PeerKey[],
): ReadonlyMap<PeerKey, number> {
  const window = 2 ** presenceRounds - 1;
  const after = new Map<PeerKey, number>();
  for (const [key, rounds] of before) {
    const shifted = (rounds << 1) & window;
    if (shifted > 0) after.set(key, shifted);
  }
  for (const key of publishers) after.set(key, (after.get(key) ?? 0) | 1);
  return after;
}

/** How many of the newest `rounds` rounds the median one of the expected publishers missed; none where nobody is expected. */
function medianMissed(presence: ReadonlyMap<PeerKey, number>, rounds: number): number {
  const all = [...presence.values()];
  // Somebody publishes in every round that counts, so the oldest of the window stands in somebody's bits.
  const seen = all.reduce((most, bits) => Math.max(most, 32 - Math.clz32(bits)), 0);
  const newest = 2 ** Math.min(rounds, seen) - 1;
  const missed = all
    .filter((bits) => bitsIn(bits) >= expectedPart * seen)
    .map((bits) => bitsIn(~bits & newest));
  return missed.length > 0 ? median(missed) : 0;
}

function bitsIn(bits: number): number {
  let count = 0;
  for (let rest = bits; rest > 0; rest >>= 1) count += rest & 1;
  return count;
}

/** Slots change in length from round `fromRound` on, if recent rounds give reason to. */
function decided(pace: Pace, fromRound: number, { slotMs: shortest, slotMsMax }: PaceSpec): Pace {
  const { slotMs, patience, shrank } = pace;
  if (isTooFast(pace)) {
    const longer = Math.min(slotMsMax, slotFactor * slotMs);
    if (longer === slotMs) return pace;
    // They were long enough before they shrank: the next time we wait longer.
    const patient = shrank ? Math.min(patienceMax, 2 * patience) : patience;
    return { ...pace, next: { fromRound, slotMs: longer }, patience: patient, shrank: false };
  }
  if (pace.steady < patience || slotMs === shortest) return pace;
  const shorter = Math.max(shortest, Math.round(slotMs / slotFactor));
  // Twice in a row: what made them grow is over.
  return {
    ...pace,
    next: { fromRound, slotMs: shorter },
    patience: shrank ? patienceMin : patience,
    shrank: true,
  };
}

/** Half of the peers do less than they are asked for, or miss most rounds. */
function isTooFast({ counted, efforts, presence }: Pace): boolean {
  if (counted < warmUpRounds || efforts.length < settledRounds) return false;
  const effort = efforts.slice(-recentRounds).reduce<number>((sum, one) => sum + (one ?? 1), 0);
  return effort < effortLow * recentRounds || medianMissed(presence, recentRounds) > missedMax;
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
