/**
 * Notices that histories have parted: peers that finalised the same round under another root. The smaller side
 * yields; of two equal ones, the side with the higher root. (No coordinator can say who is right, so the rule
 * only has to be the same at everyone.)
 */
import { compare, equals } from 'uint8arrays';
import type { PeerKey } from './io.ts';

interface Evidence {
  readonly slot: number;
  readonly round: number;
  readonly mine: Uint8Array;
  readonly theirs: Uint8Array;
}

export interface Fork {
  readonly round: number;
  readonly mine: Uint8Array;
  readonly theirs: Uint8Array;
  readonly others: readonly PeerKey[];
  /** Last round at which one of the others still agreed with us; -1 if never seen. */
  readonly agreedRound: number;
  readonly weYield: boolean;
}

export class ForkWatch {
  readonly #evidence = new Map<PeerKey, Evidence>();
  readonly #agreed = new Map<PeerKey, number>();

  /** A peer's root at `round`, which we have finalised too. */
  note(peer: PeerKey, round: number, mine: Uint8Array, theirs: Uint8Array, slot: number): void {
    this.#evidence.set(peer, { slot, round, mine, theirs });
    if (equals(mine, theirs)) this.#agreed.set(peer, Math.max(round, this.#agreed.get(peer) ?? -1));
  }

  forget(peer: PeerKey): void {
    this.#evidence.delete(peer);
    this.#agreed.delete(peer);
  }

  clear(): void {
    this.#evidence.clear();
  }

  /** Null while every peer heard since `sinceSlot` agrees. */
  verdict(sinceSlot: number): Fork | null {
    const recent = [...this.#evidence].filter(([, { slot }]) => slot >= sinceSlot);
    const others = recent.filter(([, { mine, theirs }]) => !equals(mine, theirs));
    const [first] = others;
    if (!first) return null;
    const ours = recent.length - others.length + 1;
    const { round, mine, theirs } = first[1];
    return {
      round,
      mine,
      theirs,
      others: others.map(([peer]) => peer),
      agreedRound: Math.max(-1, ...others.map(([peer]) => this.#agreed.get(peer) ?? -1)),
      weYield: others.length > ours || (others.length === ours && compare(theirs, mine) < 0),
    };
  }
}
