/**
 * Which deltas are copies of others, and which of the two was there first.
 *
 * Who works for himself names many of the coordinates that others name, with the same sign: in the first rounds on like data four of
 * five, and some pairs are closer than most (docs/LEDGER.md). So what is usual is measured: u, what nine of ten pairs of the round stay below, or what chance gives where that is more. Of the
 * k coordinates of the shorter of two deltas m are the same; under the null hypothesis each of them is so with a mean probability
 * of at most p = (1 + u) / 2, half way from what is usual to two that are equal. Then (Chernoff 1952; Hoeffding 1963 for unequal
 * probabilities) P(M >= m) <= exp(-k D(m/k || p)), D the divergence of two coins. The n-th comparison of a run may err with
 * probability falsePositives / (n (n + 1)), which add up to falsePositives over a run of any length.
 */
import { equals } from 'uint8arrays';
import { signedOverlap } from '../codec/overlap.ts';
import type { PeerKey } from '../core/io.ts';
import type { PendingDelta } from '../entries/delta/delta-state.ts';
import { quantile } from '../math/statistics.ts';
import type { EntryFacts } from './fold-recorder.ts';

/** Probability that any delta of a run that was worked for is called a copy. */
const falsePositives = 1e-6;

/**
 * What says which of two was first. `anchor`: the copy names a history, by its root, in which the original is final. `admission`: nobody
 * lets in, first-hand, an entry as old as the original was when the round of the copy began. `round`: it is of an earlier round, as its author
 * says, who could have dated it back by `admitRounds`. `ticket`: of the same round; the lower ticket decides, which is a draw and proves nothing.
 */
export type Evidence = 'anchor' | 'admission' | 'round' | 'ticket';

export interface Copy {
  readonly author: PeerKey;
  readonly round: number;
  readonly entry: string;
  /** Of `named` coordinates so many are the same; as a share, `usual` between two others of the rounds. */
  readonly same: number;
  readonly named: number;
  readonly usual: number;
  /** Natural logarithm of the bound on P(M >= same). */
  readonly logBound: number;
  readonly evidence: Evidence;
}

/** What is compared of a delta. */
export interface Comparable extends PendingDelta, EntryFacts {
  readonly round: number;
}

interface Known extends Comparable {
  /** Share of coordinates that two deltas of its round have the same, of the pair that nine of ten stay below. */
  readonly usual: number;
  /** The one it was copied from, or itself. */
  readonly original: Known | null;
}

/** -k D(share || p) for share above p, else 0: ln of the bound on as many successes or more, to six digits, which all engines agree upon. */
export function logTailBound(successes: number, trials: number, p: number): number {
  const share = trials > 0 ? successes / trials : 0;
  if (share <= p) return 0;
  const rest = share < 1 ? (1 - share) * Math.log((1 - share) / (1 - p)) : 0;
  return Math.round(-1e6 * trials * (share * Math.log(share / p) + rest)) / 1e6;
}

/** Where peers come in a few sorts, those of one sort are alike; those who copy from each other must stay fewer. Guess. */
const usualQuantile = 0.9;

/** Roots remembered: entries name histories of the last snapshots. */
const rootsMax = 4096;

export class CopyFinder {
  readonly #rounds: number;
  readonly #admitRounds: number;
  #known: Known[] = [];
  readonly #roots = new Map<number, Uint8Array>();
  #comparisons = 0;

  /** Compares with the deltas of so many earlier rounds. */
  constructor({ rounds, admitRounds }: { readonly rounds: number; readonly admitRounds: number }) {
    this.#rounds = rounds;
    this.#admitRounds = admitRounds;
  }

  /** The root of the log after a round. */
  noteRoot(round: number, root: Uint8Array): void {
    this.#roots.set(round, root);
    const [oldest] = this.#roots.keys();
    if (this.#roots.size > rootsMax) this.#roots.delete(oldest!);
  }

  /** What was taken out of the model is no original, nor is it compared with any more. */
  forget(isOut: (delta: Pick<Comparable, 'author' | 'round'>) => boolean): void {
    this.#known = this.#known
      .filter((known) => !isOut(known))
      .map((known) => (known.original && isOut(known.original) ? { ...known, original: null } : known));
  }

  /**
   * What each delta of the next round is a copy of; null for none. Lower tickets are looked at first. In a step for each delta: five hundred a
   * round are two million comparisons.
   */
  *find(round: number, deltas: readonly Comparable[]): Generator<void, ReadonlyMap<PeerKey, Copy | null>> {
    this.#known = this.#known.filter((known) => known.round >= round - this.#rounds);
    const found = new Map<PeerKey, Copy | null>();
    const inOrder = deltas.toSorted((a, b) => a.ticket - b.ticket || (a.author < b.author ? -1 : 1));
    const usual = yield* usualAmong(inOrder);
    for (const delta of inOrder) {
      yield;
      const match = this.#matchOf({ ...delta, usual, original: null });
      found.set(delta.author, match?.copy ?? null);
      this.#known.push({ ...delta, usual, original: match?.original ?? null });
    }
    return found;
  }

  #matchOf(delta: Known): { readonly copy: Copy; readonly original: Known } | null {
    for (const known of this.#known) {
      if (known.author === delta.author) continue;
      const overlap = signedOverlap(known.content.delta, delta.content.delta);
      const usual = Math.max(known.usual, delta.usual, overlap.chance);
      this.#comparisons += 1;
      const logBound = logTailBound(overlap.same, overlap.fewer, (1 + usual) / 2);
      const n = this.#comparisons;
      if (logBound > Math.log(falsePositives / n / (n + 1))) continue;
      const original = known.original ?? known;
      // A copy of what was copied from the author itself takes nothing from anybody.
      if (original.author === delta.author) return null;
      const evidence = this.#evidenceOf(original, delta);
      const { author, round, id } = original;
      const { same, fewer: named } = overlap;
      return { copy: { author, round, entry: id, same, named, usual, logBound, evidence }, original };
    }
    return null;
  }

  #evidenceOf(first: Comparable, { anchor, round }: Comparable): Evidence {
    const root = anchor && this.#roots.get(anchor.round);
    if (anchor && root && equals(root, anchor.root) && first.round <= anchor.round) return 'anchor';
    if (first.round + this.#admitRounds < round) return 'admission';
    return first.round < round ? 'round' : 'ticket';
  }
}

/** Of the shares over the pairs of a round; 0 for less than two deltas that name anything. */
function* usualAmong(deltas: readonly Comparable[]): Generator<void, number> {
  const shares: number[] = [];
  for (const [index, one] of deltas.entries()) {
    yield;
    for (const other of deltas.slice(index + 1)) {
      const { same, fewer } = signedOverlap(one.content.delta, other.content.delta);
      if (fewer > 0) shares.push(same / fewer);
    }
  }
  return shares.length > 0 ? quantile(shares, usualQuantile) : 0;
}
