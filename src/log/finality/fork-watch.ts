/**
 * Notices that histories have parted: peers that finalised the same round under another root. The history with
 * more messages stands, of two equal ones that with the lower root: a rule that gives the same answer at every
 * peer whoever its neighbours are, and under which the larger side of a partition keeps its work.
 */
import { compare, equals } from 'uint8arrays';
import type { PeerKey } from '../../core/io.ts';
import type { HistoryMark } from '../wire.ts';

interface Evidence {
  readonly slot: number;
  readonly round: number;
  readonly mine: HistoryMark;
  readonly theirs: HistoryMark;
}

export interface Fork {
  readonly round: number;
  readonly mine: HistoryMark;
  readonly theirs: HistoryMark;
  /** Peers that hold the other history. */
  readonly holders: readonly PeerKey[];
  /** Last round at which one of them still agreed with us; -1 if never seen. */
  readonly agreedRound: number;
  readonly weYield: boolean;
}

/** A peer whose claim came to nothing is not believed again for so many slots, then for twice as many, and so on. Guess. */
const disbeliefSlots = 16;

/** Peers remembered in each list; the one heard of least lately goes first. */
const peersMax = 1024;

export class ForkWatch {
  readonly #evidence = new Map<PeerKey, Evidence>();
  readonly #agreed = new Map<PeerKey, number>();
  readonly #disbelieved = new Map<PeerKey, { readonly times: number; readonly untilSlot: number }>();

  /** Where a peer's history stood after `round`, and where ours did. */
  note(peer: PeerKey, round: number, mine: HistoryMark, theirs: HistoryMark, slot: number): void {
    const isSame = equals(mine.root, theirs.root);
    if (!isSame && slot < (this.#disbelieved.get(peer)?.untilSlot ?? slot)) return;
    remember(this.#evidence, peer, { slot, round, mine, theirs });
    if (isSame) remember(this.#agreed, peer, Math.max(round, this.#agreed.get(peer) ?? -1));
  }

  /** Peers that agreed with us on `round` or a later one. */
  agreeing(round: number): number {
    return [...this.#agreed.values()].filter((agreed) => agreed >= round).length;
  }

  /** A peer was last heard to hold another history. */
  get open(): boolean {
    return [...this.#evidence.values()].some(({ mine, theirs }) => !equals(mine.root, theirs.root));
  }

  /** The peer claimed a history and did not show it: what it claims counts for nothing for a while. */
  disbelieve(peer: PeerKey, slot: number): void {
    const times = (this.#disbelieved.get(peer)?.times ?? 0) + 1;
    const untilSlot = slot + disbeliefSlots * 2 ** Math.min(times - 1, 16);
    remember(this.#disbelieved, peer, { times, untilSlot });
    this.#evidence.delete(peer);
  }

  forget(peer: PeerKey): void {
    this.#evidence.delete(peer);
    this.#agreed.delete(peer);
  }

  /** What was heard so far concerns a history that is not ours any more. */
  clear(): void {
    this.#evidence.clear();
    this.#agreed.clear();
  }

  /** The strongest history that differs from ours among those heard since `sinceSlot`; null for none. */
  verdict(sinceSlot: number): Fork | null {
    const differing = [...this.#evidence].filter(
      ([, { slot, mine, theirs }]) => slot >= sinceSlot && !equals(mine.root, theirs.root),
    );
    const strongest = differing
      .map(([, evidence]) => evidence)
      .sort((a, b) => strength(b) - strength(a) || b.round - a.round)[0];
    if (!strongest) return null;
    const { round, mine, theirs } = strongest;
    const holders = differing.flatMap(([peer, evidence]) =>
      evidence.round === round && equals(evidence.theirs.root, theirs.root) ? [peer] : [],
    );
    return {
      round,
      mine,
      theirs,
      holders,
      agreedRound: Math.max(-1, ...holders.map((peer) => this.#agreed.get(peer) ?? -1)),
      weYield: stronger(strongest),
    };
  }
}

/** As the newest of at most `peersMax`. */
function remember<Value>(list: Map<PeerKey, Value>, peer: PeerKey, value: Value): void {
  list.delete(peer);
  list.set(peer, value);
  const [oldest] = list.keys();
  if (list.size > peersMax && oldest !== undefined) list.delete(oldest);
}

/** How many messages theirs has more than ours. */
function strength({ mine, theirs }: Evidence): number {
  return theirs.weight - mine.weight;
}

function stronger(evidence: Evidence): boolean {
  const { mine, theirs } = evidence;
  return strength(evidence) > 0 || (strength(evidence) === 0 && compare(theirs.root, mine.root) < 0);
}
