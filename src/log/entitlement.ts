import type { PeerKey } from '../core/io.ts';
import type { LogState } from './log-state.ts';

/** Rounds of work after which a key counts in full in an open run, and what one counts that has done none. Guesses. */
export const rampDeltas = 8;
const strangerWeight = 1 / 16;

/** Keys, of which it is asked how many they are and whether one is among them. */
export interface Keys {
  readonly size: number;
  has(peer: PeerKey): boolean;
}

/** Standing of a key in an open run after so many deltas of it that counted, a whole number of 16ths in [1/16, 1]. */
export function standingOf(deltas: number): number {
  return Math.max(strangerWeight, Math.min(1, deltas / rampDeltas));
}

/** What a key weighs where words of keys are counted, in [0, 1]. */
export interface Entitlement {
  /** By our history. */
  weightOf(peer: PeerKey): number;
  /** By our history and by another one, the less of both: who holds the other one comes to the same. */
  weightInBoth(peer: PeerKey, other: Readonly<LogState>): number;
  /** Keys that may have a say and are known by name; those of an open run are known by their work alone. */
  known(): Keys;
}

/** Members of a closed run, one each, whatever they have done. */
export function closedEntitlement(members: readonly PeerKey[]): Entitlement {
  const list = new Set(members);
  const weightOf = (peer: PeerKey): number => (list.has(peer) ? 1 : 0);
  return { weightOf, weightInBoth: weightOf, known: () => list };
}

type Work = ReadonlyMap<PeerKey, { readonly deltas: number }>;

/**
 * An open run: by the work of a key that stands in the final log, up to a bound; who was proven to equivocate has no say. What
 * nobody has worked for counts little and not nothing, or a new run could not begin. `isAdmitted`: of a key without work, whether it may take part. `trusted`: keys that a newcomer was told to go by.
 */
export function openEntitlement(
  ours: () => Readonly<LogState>,
  workIn: (state: Readonly<LogState>) => Work,
  trusted: ReadonlySet<PeerKey>,
  isAdmitted: (peer: PeerKey) => boolean,
): Entitlement {
  const weightIn = (peer: PeerKey, state: Readonly<LogState>): number => {
    if (state.banned.has(peer)) return 0;
    const deltas = workIn(state).get(peer)?.deltas ?? 0;
    return deltas > 0 || isAdmitted(peer) ? standingOf(deltas) : 0;
  };
  return {
    // A newcomer knows of nobody's work: who was named to it counts in full until it holds a state of its own.
    weightOf: (peer) => (ours().round < 0 && trusted.has(peer) ? 1 : weightIn(peer, ours())),
    weightInBoth: (peer, other) => Math.min(weightIn(peer, ours()), weightIn(peer, other)),
    known: () => workIn(ours()),
  };
}

/** Both together, without a copy: an open run knows as many keys as ever worked for it. */
export function eitherOf(keys: Keys, others: ReadonlySet<PeerKey>): Keys {
  let { size } = keys;
  for (const key of others) if (!keys.has(key)) size += 1;
  return { size, has: (key) => keys.has(key) || others.has(key) };
}
