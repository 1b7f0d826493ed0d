/**
 * What to do when histories have parted, or when nobody's log reaches back to our next round. Rolls the replica back where
 * ours is the weaker one, and remembers what of ours stood in it.
 */
import type { PeerKey, StoreWrite } from '../../core/io.ts';
import type { LogEntry } from '../entry-kind.ts';
import type { OwnEntries } from '../own-entries.ts';
import type { Replica } from '../replica.ts';
import { type Fork, Histories, type HistoryView } from './histories.ts';

export type Settlement =
  /** The next round is in no log any more: only a snapshot helps, in the middle of a replay as well. */
  | { readonly kind: 'out-of-reach' }
  /** Ours gives way: rounds after the parting are open again, or, with `writes` null, only a snapshot of theirs leads there. */
  | { readonly kind: 'yielded'; readonly fork: Fork; readonly writes: readonly StoreWrite[] | null };

export class ForkSettlement {
  readonly histories = new Histories();
  readonly #replica: Replica;
  readonly #own: OwnEntries;
  /** Peers whose log does not reach back to our next round. */
  readonly #forgetful = new Set<PeerKey>();
  /** Entries of our own in rounds that a fork opened again. */
  #disputed: readonly LogEntry[] = [];

  constructor(replica: Replica, own: OwnEntries) {
    this.#replica = replica;
    this.#own = own;
  }

  /** The peer's log does not reach back to our next round. */
  noteForgetful(peer: PeerKey): void {
    this.#forgetful.add(peer);
  }

  /** `followed`: connected peers whose sets count; `checkpoint`: the round behind which nobody goes back. */
  settle(followed: number, isJoining: boolean, view: HistoryView, checkpoint: number): Settlement | null {
    if (followed > 0 && this.#forgetful.size >= Math.min(2, followed)) {
      this.#forgetful.clear();
      return { kind: 'out-of-reach' };
    }
    const fork = isJoining ? null : this.histories.verdict(view);
    if (!fork?.weYield || fork.round <= checkpoint) return null;
    this.#disputed = this.#replica.log
      .heldRounds()
      .filter((held) => held > fork.agreedRound && held <= this.#replica.base.round)
      .flatMap((held) => this.#own.of(held));
    const writes = this.#replica.rollBack(fork.agreedRound);
    this.histories.clear();
    return { kind: 'yielded', fork, writes };
  }

  /** Rounds up to this one are folded. */
  folded(round: number): void {
    this.#forgetful.clear();
    this.#disputed = this.#disputed.filter((entry) => entry.round > round);
  }

  /**
   * A snapshot takes the place of the rounds up to `round`: what of ours stood in them and is not known to stand in the
   * snapshot. What the peers' sets left out went back when they were adopted, and is not in the log any more.
   */
  replacedThrough(round: number): readonly LogEntry[] {
    const lost = this.#disputed.filter((entry) => entry.round <= round && this.#replica.log.entry(entry.id));
    this.#disputed = [];
    this.#forgetful.clear();
    this.histories.clear();
    return lost;
  }
}
