/**
 * Decides when the next round may be folded, and with which set. Remembers what peers showed of their sets and how long
 * nothing was agreed upon; folds nothing itself.
 */
import type { PeerKey } from '../../core/io.ts';
import { bytesToHex } from '../envelope.ts';
import type { Replica } from '../replica.ts';
import { decideFold, type FoldDecision, type RoundVote, RoundVotes } from './round-votes.ts';

export interface FinalityView {
  readonly slot: number;
  /** Newest round that may be folded in this slot. */
  readonly lastFinal: number;
  readonly peersConnected: number;
  /** One side of a fork is followed: only its holders' sets count, and they are waited for. */
  readonly isFollowing: boolean;
}

export class Finality {
  readonly #replica: Replica;
  readonly #windowRounds: number;
  readonly #admitRounds: number;
  readonly #votes = new RoundVotes();
  #ticksStuck = 0;

  constructor(
    replica: Replica,
    { windowRounds, admitRounds }: { readonly windowRounds: number; readonly admitRounds: number },
  ) {
    this.#replica = replica;
    this.#windowRounds = windowRounds;
    this.#admitRounds = admitRounds;
  }

  record(round: number, peer: PeerKey, vote: RoundVote): void {
    this.#votes.record(round, peer, vote);
  }

  /** Time passes without a round folded by agreement. */
  tick(): void {
    this.#ticksStuck += 1;
  }

  /** Somebody new may agree with us: the wait begins anew. */
  hope(): void {
    this.#ticksStuck = 0;
  }

  clear(): void {
    this.#votes.clear();
  }

  /** The round that is next and what to do about it; null while its turn has not come. */
  next(
    view: FinalityView,
  ): { readonly round: number; readonly decision: FoldDecision; readonly timedOut: boolean } | null {
    const round = this.#replica.base.round + 1;
    if (round > view.lastFinal) return null;
    // A round's turn comes windowRounds after its slot; peers then have as long again to agree.
    const timedOut =
      !view.isFollowing &&
      this.#ticksStuck >= 2 * this.#windowRounds &&
      view.slot >= round + 2 * this.#windowRounds;
    const decision = decideFold({
      votes: this.#votes.of(round),
      myDigest: bytesToHex(this.#replica.log.digest(round)),
      closedSlot: round + this.#admitRounds + 1,
      peersConnected: view.isFollowing ? 1 : view.peersConnected,
      timedOut,
    });
    return { round, decision, timedOut };
  }

  /** The round was folded as decided, with agreement or without. */
  folded(round: number, byAgreement: boolean): void {
    if (byAgreement) this.#ticksStuck = 0;
    this.#votes.pruneThrough(round);
  }
}
