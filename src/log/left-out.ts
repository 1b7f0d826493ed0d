import { equals } from 'uint8arrays';
import type { PeerKey } from '../core/io.ts';
import type { LogEntry } from './entry-kind.ts';
import type { Replica } from './replica.ts';

/**
 * Entries of an author that our history has and another one leaves out. Of rounds before the state that the other one began with its
 * log says nothing: there it has what we have up to the last round at which both stood alike, and wherever its chain names the set of
 * ours. Of all others it is taken to lack them. `agreedRound`: its holders say that up to it the two are one, which is
 * believed where the chain tells nothing.
 */
export function leftOutBy(theirs: Replica, ours: Replica, author: PeerKey, agreedRound: number): LogEntry[] {
  const common = lastCommonRound(theirs, ours) ?? agreedRound;
  return [...ours.log.entries()].filter(
    (entry) =>
      entry.author === author &&
      entry.round > common &&
      !theirs.log.entry(entry.id) &&
      !isNamedBy(theirs, ours, entry.round),
  );
}

/** The last round after which both stood alike; null where that is not known. */
function lastCommonRound(one: Replica, other: Replica): number | null {
  for (let round = Math.min(one.base.round, other.base.round); round >= 0; round--) {
    const [first, second] = [one.rootAt(round), other.rootAt(round)];
    if (first && second && equals(first, second)) return round;
  }
  return null;
}

/** A round of which they were told the digest, and it is that of our set. */
function isNamedBy(theirs: Replica, ours: Replica, round: number): boolean {
  const digest = theirs.toldDigest(round);
  return digest !== undefined && digest !== null && equals(digest, ours.log.digest(round));
}
