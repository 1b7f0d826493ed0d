/** What votes on a round come to: arithmetic that IEEE 754 rounds the same everywhere. */
import type { PeerKey } from '../../core/io.ts';
import { median, weightedMedian } from '../../math/statistics.ts';

export interface Said {
  readonly voter: PeerKey;
  readonly before: number;
  readonly after: number;
}

export interface VerdictRules {
  /** Part of the voters drawn without whose words nothing is decided. */
  readonly quorum: number;
  /** A round is rolled back where the loss has grown by more than this part of it, in the median. */
  readonly margin: number;
}

/** What the vote of who lost nothing weighs; what it costs to be silent, or far from the others, is in whole parts of it. */
export const fullStanding = 16;
/** Fewer than two say nothing: nobody judges its own round alone. */
const votersMin = 2;
/** A voter is far from the others by so many of their median deviations, and says the opposite. Guess. */
const farDeviations = 10;
const millionths = 1e6;
/** More says nothing more; and a state holds integers below 2^53, or nobody could read it back. */
const growthMax = 1e12;

/** By how much the loss has grown, in whole millionths of what it was. */
function growthOf({ before, after }: Said): number {
  return Math.min(growthMax, Math.round((millionths * (after - before)) / Math.max(1, before)) + 0);
}

/** The median of the growth of losses, by standing; null without a quorum. */
export function medianGrowth(
  said: readonly Said[],
  voters: number,
  standingOf: (voter: PeerKey) => number,
  { quorum }: VerdictRules,
): number | null {
  if (said.length < votersMin || said.length < quorum * voters) return null;
  const weights = said.map(({ voter }) => standingOf(voter));
  return Math.round(weightedMedian(said.map(growthOf), weights)) + 0;
}

export function isWorse(growth: number | null, { margin }: VerdictRules): boolean {
  return growth !== null && growth > millionths * margin;
}

/** Who says the opposite of the others, by far: of sites whose data differs much, votes differ too. */
export function farFrom(
  growth: number,
  said: readonly Said[],
  { margin }: VerdictRules,
): ReadonlySet<PeerKey> {
  const deviations = said.map((one) => Math.abs(growthOf(one) - growth));
  const usual = Math.max(median(deviations), millionths * margin, 1);
  const far = said.filter((one, index) => {
    const own = growthOf(one);
    return own * growth < 0 && deviations[index]! > farDeviations * usual;
  });
  return new Set(far.map(({ voter }) => voter));
}
