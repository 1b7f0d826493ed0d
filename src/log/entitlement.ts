import type { PeerKey } from '../core/io.ts';

/** Rounds of work after which a key counts in full in an open run, and what one counts that has done none. Guesses. */
const rampDeltas = 8;
const strangerWeight = 1 / 16;

/** What a key weighs where words of keys are counted, in [0, 1]. */
export interface Entitlement {
  weightOf(peer: PeerKey): number;
  /** Keys that may have a say and are known by name; those of an open run are known by their work alone. */
  known(): Iterable<PeerKey>;
}

/** Members of a closed run, one each, whatever they have done. */
export function closedEntitlement(members: readonly PeerKey[]): Entitlement {
  const list = new Set(members);
  return { weightOf: (peer) => (list.has(peer) ? 1 : 0), known: () => list };
}

/**
 * An open run: by the work of a key that stands in the final log, up to a bound; who was proven to equivocate has no say. What
 * nobody has worked for counts little and not nothing, or a new run could not begin.
 */
export function openEntitlement(
  worked: () => ReadonlyMap<PeerKey, { readonly deltas: number }>,
  banned: () => ReadonlyMap<PeerKey, number>,
): Entitlement {
  return {
    weightOf: (peer) => {
      if (banned().has(peer)) return 0;
      const deltas = worked().get(peer)?.deltas ?? 0;
      return Math.max(strangerWeight, Math.min(1, deltas / rampDeltas));
    },
    known: () => worked().keys(),
  };
}
