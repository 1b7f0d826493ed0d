/**
 * Asks for the chain of roots behind the snapshot that a history began with, so that what was signed before it can be told to stand
 * in that history or not. One peer at a time, each once, and only so many.
 */
import type { PeerKey } from '../../core/io.ts';
import type { LogFrame } from '../log-state.ts';
import type { Replica } from '../replica.ts';
import { type Chain, chainRoundsMax, type Request } from '../wire.ts';

/** Words are compared of two windows; what they name is a snapshot that their authors had a window and a slot or two before. */
const wordReachWindows = 3;
const wordReachSlots = 2;
/** Peers asked in one history. Guess. */
const peersAskedMax = 8;

export type ChainMeaning = {
  readonly kind: 'chain';
  readonly peer: PeerKey;
  readonly round: number;
  readonly count: number;
};

export class ChainFetch {
  readonly #replica: Replica;
  /** How far back words reach that may be compared. */
  readonly #reachRounds: number;
  readonly #asked = new Set<PeerKey>();
  #underWay: ChainMeaning | null = null;

  constructor(
    replica: Replica,
    { windowRounds, snapshotRounds }: Pick<LogFrame, 'windowRounds' | 'snapshotRounds'>,
  ) {
    this.#replica = replica;
    const reach = snapshotRounds + wordReachWindows * windowRounds + wordReachSlots;
    this.#reachRounds = Math.min(reach, chainRoundsMax);
  }

  /** Somebody is still to be heard. */
  isOpen(peers: readonly PeerKey[]): boolean {
    return this.#underWay !== null || (this.#count > 0 && this.#next(peers) !== undefined);
  }

  /** Rounds that are missing behind the first of which we know where we stood. */
  get #count(): number {
    const { base, beginning } = this.#replica;
    return beginning.round - Math.max(-1, base.round - this.#reachRounds);
  }

  #next(peers: readonly PeerKey[]): PeerKey | undefined {
    return this.#asked.size < peersAskedMax ? peers.find((peer) => !this.#asked.has(peer)) : undefined;
  }

  /** Whom to ask now. */
  asks(peers: readonly PeerKey[]): { readonly meaning: ChainMeaning; readonly request: Request }[] {
    const count = this.#count;
    if (this.#underWay || count <= 0) return [];
    const peer = this.#next(peers);
    if (peer === undefined) return [];
    this.#asked.add(peer);
    const { round, root } = this.#replica.beginning;
    this.#underWay = { kind: 'chain', peer, round, count };
    return [{ meaning: this.#underWay, request: { kind: 'chain', round, root, count } }];
  }

  /** Takes an answer; false where it is none that leads to our root. */
  taken(meaning: ChainMeaning, chain: Chain | null): boolean {
    if (this.#underWay !== meaning) return true;
    this.#underWay = null;
    return chain !== null && this.#replica.prepend(meaning.round, chain);
  }

  failed(meaning: ChainMeaning): void {
    if (this.#underWay === meaning) this.#underWay = null;
  }

  /** It is another history now, that others may know of. */
  clear(): void {
    this.#asked.clear();
    this.#underWay = null;
  }
}
