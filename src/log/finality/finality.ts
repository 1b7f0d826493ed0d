/**
 * Decides when the next round may be folded, and with which set. Remembers what peers showed of their sets and how long
 * nothing was agreed upon; folds nothing itself.
 */
import type { PeerKey } from '../../core/io.ts';
import type { Replica } from '../replica.ts';
import { decideFold, type FoldDecision, quorumOf, type RoundVote, RoundVotes } from './round-votes.ts';

/** So many rounds after its turn a round is folded although fewer than a third still hold an open set that differs. Guess. */
const patienceRounds = 2;
/** From so many rounds on, rounds of which nobody holds anything are passed at once. */
const passRoundsMin = 64;
const passRoundsMax = 65_536;

export interface FinalityView {
  readonly slot: number;
  /** Connected peers whose votes count. */
  readonly peers: ReadonlySet<PeerKey>;
  /** What a vote of a peer weighs, and ours: nothing while we catch up. */
  readonly weightOf: (peer: PeerKey) => number;
  readonly myWeight: number;
  /** Newest round that may be folded in this slot. */
  readonly lastFinal: number;
  /** One side of a fork is followed: only what its holders have folded counts, and they are waited for. */
  readonly isFollowing: boolean;
}

export type NextStep =
  /** What to do about the next round. */
  | {
      readonly kind: 'decide';
      readonly round: number;
      readonly decision: FoldDecision;
      readonly timedOut: boolean;
    }
  /** Nobody holds anything of the next rounds, up to and including `through`; `isFull`: as many as are passed in one go, a tenth of a second. */
  | { readonly kind: 'pass'; readonly through: number; readonly isFull: boolean };

export class Finality {
  readonly #replica: Replica;
  readonly #windowRounds: number;
  readonly #admitRounds: number;
  readonly #votes = new RoundVotes();
  /** Rounds of which a peer holds nothing, by what it said last. */
  readonly #quiet = new Map<PeerKey, { readonly from: number; readonly through: number }>();
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

  recordQuiet(peer: PeerKey, from: number, through: number): void {
    if (through < from) this.#quiet.delete(peer);
    else this.#quiet.set(peer, { from, through });
  }

  forget(peer: PeerKey): void {
    this.#quiet.delete(peer);
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
    this.#quiet.clear();
  }

  /** One of these peers has not folded the next round either. */
  isLevel(peers: readonly PeerKey[]): boolean {
    const votes = this.#votes.of(this.#replica.base.round + 1);
    return peers.some((peer) => votes.get(peer)?.final === false);
  }

  /** What comes next; null while the next round's turn has not come. */
  next(view: FinalityView): NextStep | null {
    const round = this.#replica.base.round + 1;
    if (round > view.lastFinal || this.#replica.isComplete) return null;
    // A round's turn comes windowRounds after its slot; peers then have as long again to agree.
    const isWaitOver = !view.isFollowing && this.#ticksStuck >= 2 * this.#windowRounds;
    const timedOut = isWaitOver && view.slot >= round + 2 * this.#windowRounds;
    const through = this.#quietThrough(round, view, isWaitOver);
    if (through - round >= passRoundsMin) {
      const last = Math.min(through, round + passRoundsMax);
      return { kind: 'pass', through: last, isFull: last < through };
    }
    const decision = decideFold({
      votes: this.#votes.of(round),
      myDigest: this.#replica.log.digestHex(round),
      weightOf: view.weightOf,
      myWeight: view.myWeight,
      // What others have folded is folded again, and nothing else: our slot may be ahead of theirs.
      closedSlot: view.isFollowing ? Number.POSITIVE_INFINITY : round + this.#admitRounds + 1,
      peers: view.peers,
      isLate: view.slot >= round + this.#windowRounds + patienceRounds,
      timedOut,
    });
    return { kind: 'decide', round, decision, timedOut };
  }

  /** The last round before which neither we nor enough peers hold anything; long past, so that nothing new comes. */
  #quietThrough(round: number, view: FinalityView, isWaitOver: boolean): number {
    const longPast = view.lastFinal - 2 * this.#windowRounds;
    if (longPast - round < passRoundsMin) return round;
    const held = this.#replica.log.nextHeld(round - 1) ?? Number.POSITIVE_INFINITY;
    const settled = Math.min(longPast, held - 1);
    const told = [...this.#quiet].filter(
      ([peer, { from, through }]) => view.peers.has(peer) && from <= round && through >= round,
    );
    const weigh = (sum: number, peer: PeerKey): number => sum + view.weightOf(peer);
    // Rounds by the thousand are not left out on the word of any two.
    const quiet = told.map(([peer]) => peer).reduce(weigh, view.myWeight);
    const isAgreed =
      told.length >= quorumOf(view.peers.size) && 2 * quiet >= [...view.peers].reduce(weigh, view.myWeight);
    if (!isAgreed) return isWaitOver ? settled : round;
    return Math.min(settled, ...told.map(([, { through }]) => through));
  }

  /** The rounds up to this one are folded, with agreement or without. */
  folded(round: number, byAgreement: boolean): void {
    if (byAgreement) this.#ticksStuck = 0;
    this.#votes.pruneThrough(round);
  }
}
