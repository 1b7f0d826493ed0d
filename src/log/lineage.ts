/**
 * The chain of roots behind a history: where it stood after each of the last rounds. Of rounds that were folded here the marks are
 * our own; of those before the snapshot that it began with, what others tell, once its hashes lead to a root that we hold.
 */
import { equals } from 'uint8arrays';
import { be32 } from '../core/bytes.ts';
import type { Crypto } from '../core/crypto.ts';
import { type Chain, chainRoundsMax, type HistoryMark } from './wire.ts';

interface Link {
  readonly root: Uint8Array;
  /** Entries that counted by then; null where the state was never here. */
  readonly work: number | null;
}

/** Root after a round with a set of that digest; null stands for the empty set, which leaves it as it was. */
export function nextRoot(
  crypto: Crypto,
  root: Uint8Array,
  round: number,
  digest: Uint8Array | null,
): Uint8Array {
  return digest ? crypto.sha256(root, be32(round), digest) : root;
}

function isOurs(link: Link): link is Link & HistoryMark {
  return link.work !== null;
}

export class Lineage {
  readonly #links = new Map<number, Link>();
  /** Of rounds that we were told of. */
  readonly #digests = new Map<number, Uint8Array | null>();
  /** The last answer of `beginning`, which is asked with whatever arrives; null once a link has come or gone. */
  #beginning: { readonly of: number; readonly first: number } | null = null;

  note(round: number, mark: HistoryMark): void {
    this.#links.set(round, mark);
    this.#links.delete(round - chainRoundsMax);
    this.#digests.delete(round - chainRoundsMax);
    this.#beginning = null;
  }

  /** Where the history stood after a round that was folded here. */
  markAt(round: number): HistoryMark | null {
    const link = this.#links.get(round);
    return link && isOurs(link) ? link : null;
  }

  rootAt(round: number): Uint8Array | null {
    return this.#links.get(round)?.root ?? null;
  }

  /** Of a round that we were told of; undefined for any other. */
  toldDigest(round: number): Uint8Array | null | undefined {
    return this.#digests.get(round);
  }

  /** As far as up to a round. */
  through(round: number): Lineage {
    const copy = new Lineage();
    for (const [one, link] of this.#links) if (one <= round) copy.#links.set(one, link);
    for (const [one, digest] of this.#digests) if (one <= round) copy.#digests.set(one, digest);
    return copy;
  }

  /** The first round from which on the roots up to `round` are known without a gap. */
  beginning(round: number): number {
    if (this.#beginning?.of !== round) {
      let first = round;
      while (this.#links.has(first - 1)) first -= 1;
      this.#beginning = { of: round, first };
    }
    return this.#beginning.first;
  }

  /**
   * What leads to `root` after `round`, over at most `count` rounds; null where that is not ours, or nothing before it is known.
   * `logged`: digest of a round whose set is here, undefined for any other.
   */
  chainTo(
    crypto: Crypto,
    round: number,
    count: number,
    logged: (round: number) => Uint8Array | null | undefined,
  ): Chain | null {
    const digests: (Uint8Array | null)[] = [];
    const first = Math.max(this.beginning(round), round - count);
    let begin = round;
    for (; begin > first; begin--) {
      const told = logged(begin);
      const digest = told === undefined ? this.#digests.get(begin) : told;
      const before = this.#links.get(begin - 1);
      if (digest === undefined || !before) break;
      if (!equals(nextRoot(crypto, before.root, begin, digest), this.#links.get(begin)!.root)) break;
      digests.unshift(digest);
    }
    // Rounds without entries leave no trace in a root: where a chain begins with them, nobody can tell how many there were.
    while (begin >= 0 && digests[0] === null) {
      digests.shift();
      begin += 1;
    }
    return digests.length > 0 ? { root: this.#links.get(begin)!.root, digests } : null;
  }

  /**
   * Takes what is said to lead to a round of ours; false where its hashes do not, or meet another root that we know. Nobody finds
   * a second chain to a root that does not begin with rounds without entries. `initial`: the root before the first round.
   */
  prepend(crypto: Crypto, round: number, { root: begin, digests }: Chain, initial: Uint8Array): boolean {
    const first = round - digests.length;
    if (first === -1 ? !equals(begin, initial) : first < -1 || !digests[0]) return false;
    let root = begin;
    const roots: [number, Uint8Array][] = [[first, root]];
    for (const [index, digest] of digests.entries()) {
      root = nextRoot(crypto, root, first + 1 + index, digest);
      roots.push([first + 1 + index, root]);
    }
    if (!this.#links.has(round)) return false;
    if (!roots.every(([one, told]) => equals(this.rootAt(one) ?? told, told))) return false;
    for (const [one, told] of roots) {
      if (!this.#links.has(one)) this.#links.set(one, { root: told, work: null });
    }
    for (const [index, digest] of digests.entries()) this.#digests.set(first + 1 + index, digest);
    this.#beginning = null;
    return true;
  }
}
