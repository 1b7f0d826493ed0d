/** How far our clock is off, by what several peers claim. Pure. */
import type { ClockClaim } from '../../network/exchange/clock-exchange.ts';

export interface ClockOffset {
  /** Our clock less that of the peers: above 0 ours is ahead. Null where too few peers say so. */
  readonly offsetMs: number | null;
  /** The same by the word of the only peer, which may be wrong as well as we. */
  readonly claimedMs: number | null;
  /** Peers that it follows from. */
  readonly peers: number;
}

export const unknownOffset: ClockOffset = { offsetMs: null, claimedMs: null, peers: 0 };

/**
 * What several claims of one peer leave, oldest first: where all of them hold (Marzullo 1984). A clock that was set since contradicts
 * what came before, which is then forgotten.
 */
export function narrowed(claims: readonly ClockClaim[]): ClockClaim[] {
  const newestFirst = [...claims].reverse();
  let [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const held: ClockClaim[] = [];
  for (const claim of newestFirst) {
    low = Math.max(low, claim.lowMs);
    high = Math.min(high, claim.highMs);
    if (low > high) break;
    held.unshift(claim);
  }
  return held;
}

/** How far our clock is off at least where all these hold; 0 where it may be right. */
export function surelyOff(claims: readonly ClockClaim[]): number {
  const low = Math.max(...claims.map(({ lowMs }) => lowMs));
  const high = Math.min(...claims.map(({ highMs }) => highMs));
  return Math.max(0, low) + Math.min(0, high);
}

/** Why a round was not trained. */
export const clockOff = 'the clock of this machine is off by more than a round';

/** Rounds trained now would be those of another time. */
export function isClockOff({ offsetMs }: ClockOffset, slotMs: number): boolean {
  return offsetMs !== null && Math.abs(offsetMs) > slotMs;
}

/**
 * The median, of an even number the one of both that is nearer to 0: no single liar moves it beyond what an honest peer says. At
 * least two must say something, and more than half of those that could.
 */
export function clockOffset(claimsMs: readonly number[], peersAsked: number): ClockOffset {
  const peers = claimsMs.length;
  const claimedMs = peersAsked === 1 ? (claimsMs[0] ?? null) : null;
  const saying = (offsetMs: number | null): ClockOffset => ({ offsetMs, claimedMs, peers });
  if (peers < 2 || 2 * peers <= peersAsked) return saying(null);
  const sorted = [...claimsMs].sort((a, b) => a - b);
  const [low, high] = [sorted[Math.ceil(peers / 2) - 1]!, sorted[Math.floor(peers / 2)]!];
  if (low <= 0 && high >= 0) return saying(0);
  return saying(Math.abs(low) < Math.abs(high) ? low : high);
}
