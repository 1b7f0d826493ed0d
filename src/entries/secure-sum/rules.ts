/**
 * Constants of sums that nobody sees the parts of (Bonawitz et al., "Practical secure aggregation for privacy-preserving machine learning",
 * 2017, without its server): who is in the committee of an epoch, in which rounds of the log it does what, and what that rests on.
 */
import { bytesToHex } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import { forgetOldest } from '../../core/forget-oldest.ts';
import type { PeerKey } from '../../core/io.ts';

/** Steps of an epoch, in the order in which they are taken, which are the kinds of entry of a run. */
export const steps = ['keys', 'shares', 'masked', 'seen', 'open'] as const;
export type Step = (typeof steps)[number];

export interface SecureSumRules {
  readonly runId: string;
  /** Keys that the manifest names, ascending. */
  readonly members: readonly PeerKey[];
  /** Members of a committee (M). */
  readonly committeeSize: number;
  /** So many of a committee may lie together (f). */
  readonly corrupt: number;
  /** Shares that a secret is put together from, and the least number of members whose sum is opened (t). */
  readonly threshold: number;
  /** The vectors of an epoch have one coordinate in so many. */
  readonly cycle: number;
  /** Rounds from the beginning of one epoch to that of the next. */
  readonly everyRounds: number;
  /** Rounds until a round is final (K). */
  readonly windowRounds: number;
  /** First-hand entries so many rounds old are admitted. */
  readonly admitRounds: number;
  /** Largest change of a coordinate by one member in one epoch. */
  readonly range: number;
  /** What the mean of the members' vectors is multiplied by. */
  readonly outerRate: number;
}

/** A committee of so many, of whom so many may lie together and so many be away. */
export interface Quorum {
  readonly corrupt: number;
  readonly threshold: number;
}

/**
 * Those that lie may not be enough to open anything (t > f); and, as every honest member opens one of two secrets, they and the honest
 * ones of two opinions may not be enough to open both (2t - f > M).
 */
export function quorumOf(committeeSize: number): Quorum {
  const corrupt = Math.floor((committeeSize - 1) / 3);
  return { corrupt, threshold: Math.floor((committeeSize + corrupt) / 2) + 1 };
}

/** Why a threshold does not do, as the end of a sentence about it; null where it does. */
export function wrongThreshold(threshold: number, corrupt: number, committeeSize: number): string | null {
  if (threshold > committeeSize) return `must be at most the members of a committee (${committeeSize})`;
  if (threshold <= corrupt)
    return `must be above corrupt (${corrupt}): those few could open every vector alone`;
  if (2 * threshold - corrupt <= committeeSize) {
    return `must be above half of committeeSize and corrupt together ((${committeeSize} + ${corrupt}) / 2): both secrets of a member could be opened`;
  }
  return null;
}

/** How many rounds after the beginning of its epoch the entries of a step stand. */
export function offsetOf(step: Step, rules: Pick<SecureSumRules, 'windowRounds' | 'admitRounds'>): number {
  const { windowRounds, admitRounds } = rules;
  switch (step) {
    case 'keys':
      return 0;
    case 'shares':
      return windowRounds;
    case 'masked':
      return 2 * windowRounds;
    // What is late may still be heard of.
    case 'seen':
      return 2 * windowRounds + admitRounds;
    case 'open':
      return 3 * windowRounds + admitRounds;
    default:
      return step satisfies never;
  }
}

/** Rounds from the vectors of an epoch to their sum. */
export function roundsToSum(rules: Pick<SecureSumRules, 'windowRounds' | 'admitRounds'>): number {
  return offsetOf('open', rules) - offsetOf('masked', rules);
}

export function roundOf(step: Step, epoch: number, rules: SecureSumRules): number {
  return epoch * rules.everyRounds + offsetOf(step, rules);
}

/** The epoch of which this is the round of the step; null where it is that of none. */
export function epochIn(step: Step, round: number, rules: SecureSumRules): number | null {
  const since = round - offsetOf(step, rules);
  return since >= 0 && since % rules.everyRounds === 0 ? since / rules.everyRounds : null;
}

/**
 * Largest magnitude of a member's integers: the sum of all of a committee's takes half of what 16 bits with a sign can say, so that vectors
 * out of range, which nobody sees, show in a sum out of range.
 */
export function integerMax({ committeeSize }: Pick<SecureSumRules, 'committeeSize'>): number {
  return Math.floor(2 ** 14 / committeeSize);
}

/** What an integer of a vector stands for. */
export function quantumOf(rules: Pick<SecureSumRules, 'committeeSize' | 'range'>): number {
  return rules.range / integerMax(rules);
}

/** Numbers of the vector of an epoch; where those of the last part run out, zeros. */
export function widthOf(size: number, { cycle }: Pick<SecureSumRules, 'cycle'>): number {
  return Math.ceil(size / cycle);
}

/** Committees as they are drawn: every epoch anew among the members, by hashes that nobody chooses. */
export class Committees {
  readonly #rules: SecureSumRules;
  readonly #crypto: Crypto;
  readonly #drawn = new Map<number, readonly PeerKey[]>();

  constructor(rules: SecureSumRules, crypto: Crypto) {
    this.#rules = rules;
    this.#crypto = crypto;
  }

  /** Keys ascending: the place in this list, from 0, is what a member is called in the entries of the epoch. */
  of(epoch: number): readonly PeerKey[] {
    const known = this.#drawn.get(epoch);
    if (known) return known;
    const { runId, members, committeeSize } = this.#rules;
    const lotOf = (member: PeerKey): string =>
      bytesToHex(this.#crypto.sha256(labelOf('committee', runId, epoch, member)));
    const drawn =
      members.length <= committeeSize
        ? members
        : members
            .map((member) => ({ member, lot: lotOf(member) }))
            .sort((a, b) => (a.lot < b.lot ? -1 : 1))
            .slice(0, committeeSize)
            .map(({ member }) => member)
            .sort();
    this.#drawn.set(epoch, drawn);
    forgetOldest(this.#drawn, committeesKept);
    return drawn;
  }
}

const committeesKept = 256;

/** What a key or a hash is for: no two purposes, runs, epochs or pairs come to the same. */
export function labelOf(purpose: string, runId: string, ...what: readonly (string | number)[]): Uint8Array {
  return new TextEncoder().encode(['starlings', purpose, runId, ...what].join('/'));
}
