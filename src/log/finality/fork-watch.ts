/**
 * Notices that histories have parted: peers that folded the same round under another root. What they say of theirs is a claim; it
 * only tells whose history is worth looking into, and where to find it. Which one stands is decided by finality/order.ts.
 */
import { compare, equals } from 'uint8arrays';
import { bytesToHex } from '../../core/bytes.ts';
import type { Agreement, PeerKey } from '../../core/io.ts';
import type { HistoryMark } from '../wire.ts';
import type { Word } from './order.ts';

interface Evidence {
  readonly slot: number;
  readonly round: number;
  readonly mine: HistoryMark;
  readonly theirs: HistoryMark;
  /** Slot since which the peer has shown nothing but another history. */
  readonly sinceSlot: number;
  /** The roots are equal. */
  readonly isSame: boolean;
}

export interface Fork {
  readonly round: number;
  readonly mine: HistoryMark;
  readonly theirs: HistoryMark;
  /** Connected peers that hold the other history. */
  readonly holders: readonly PeerKey[];
  /** Last round at which one of them still agreed with us; -1 if never seen. */
  readonly agreedRound: number;
}

export interface WatchView {
  readonly slot: number;
  readonly windowRounds: number;
  readonly weightOf: (peer: PeerKey) => number;
}

/** A peer whose history was looked into for nothing is left alone for so many slots, then for twice as many, and so on. Guess. */
const restSlots = 16;

/** Peers remembered in each list; the one heard of least lately goes first. */
const peersMax = 1024;

export class ForkWatch {
  readonly #evidence = new Map<PeerKey, Evidence>();
  readonly #agreed = new Map<PeerKey, number>();
  readonly #resting = new Map<PeerKey, { readonly times: number; readonly untilSlot: number }>();

  /** Where a peer's history stood after `round`, and where ours did. */
  note(peer: PeerKey, round: number, mine: HistoryMark, theirs: HistoryMark, slot: number): void {
    const before = this.#evidence.get(peer);
    const isSame = equals(mine.root, theirs.root);
    const isNew = !before || before.isSame;
    const sinceSlot = isSame || isNew ? slot : before.sinceSlot;
    remember(this.#evidence, peer, { slot, round, mine, theirs, sinceSlot, isSame });
    const agreed = this.#agreed.get(peer) ?? -1;
    if (isSame) remember(this.#agreed, peer, Math.max(round, agreed));
    // It has gone over to another history: where that parted from ours is not known.
    else if (agreed >= round) this.#agreed.delete(peer);
  }

  /** Peers that agreed with us on `round` or a later one. */
  agreeing(round: number): number {
    let count = 0;
    for (const agreed of this.#agreed.values()) if (agreed >= round) count += 1;
    return count;
  }

  /** A peer was last heard to hold another history, and that was not looked into lately. */
  isOpen(slot: number): boolean {
    for (const [peer, { isSame }] of this.#evidence) if (!isSame && !this.#rests(peer, slot)) return true;
    return false;
  }

  /** The peer's history was looked into for nothing. */
  rest(peer: PeerKey, slot: number): void {
    const times = (this.#resting.get(peer)?.times ?? 0) + 1;
    const untilSlot = slot + restSlots * 2 ** Math.min(times - 1, 16);
    remember(this.#resting, peer, { times, untilSlot });
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

  /**
   * The history other than ours that is most worth looking into; null for none. One that claims to stand lower is looked into as well
   * where its holders have not come over to ours in a window. Of several that of the holders with most weight.
   */
  mostPromising({ slot, windowRounds, weightOf }: WatchView): Fork | null {
    if (!this.hasParted) return null;
    const groups = new Map<string, { evidence: Evidence; holders: PeerKey[] }>();
    for (const [peer, evidence] of this.#evidence) {
      if (evidence.isSame || evidence.slot < slot - 2 * windowRounds || this.#rests(peer, slot)) continue;
      if (!claimsMore(evidence) && evidence.sinceSlot > slot - windowRounds) continue;
      const key = `${evidence.round}/${bytesToHex(evidence.theirs.root)}`;
      const group = groups.get(key) ?? { evidence, holders: [] };
      groups.set(key, { evidence, holders: [...group.holders, peer] });
    }
    const weight = (holders: readonly PeerKey[]): number =>
      holders.reduce((sum, peer) => sum + weightOf(peer), 0);
    const [best] = [...groups.values()].sort(
      (a, b) =>
        Number(claimsMore(b.evidence)) - Number(claimsMore(a.evidence)) ||
        weight(b.holders) - weight(a.holders) ||
        lead(b.evidence) - lead(a.evidence) ||
        b.evidence.round - a.evidence.round,
    );
    if (!best) return null;
    const { round, mine, theirs } = best.evidence;
    const agreedRound = Math.max(-1, ...best.holders.map((peer) => this.#agreed.get(peer) ?? -1));
    return { round, mine, theirs, holders: best.holders, agreedRound };
  }

  /** Where peers have told us since a slot that they stand; over their own connections, so that nobody speaks for another. */
  toldSince(slot: number): Map<PeerKey, Word> {
    const words = new Map<PeerKey, Word>();
    for (const [peer, { slot: heard, round, theirs }] of this.#evidence) {
      if (heard >= slot) words.set(peer, { round, anchor: { round, root: theirs.root, snapshot: null } });
    }
    return words;
  }

  /** What connected peers were last heard to hold. */
  get agreement(): Agreement {
    const same = [...this.#evidence.values()].filter(({ isSame }) => isSame).length;
    return { same, other: this.#evidence.size - same };
  }

  /** A peer was last heard to hold another history than this one. */
  get hasParted(): boolean {
    for (const { isSame } of this.#evidence.values()) if (!isSame) return true;
    return false;
  }

  #rests(peer: PeerKey, slot: number): boolean {
    return slot < (this.#resting.get(peer)?.untilSlot ?? slot);
  }
}

/** As the newest of at most `peersMax`. */
function remember<Value>(list: Map<PeerKey, Value>, peer: PeerKey, value: Value): void {
  list.delete(peer);
  list.set(peer, value);
  const [oldest] = list.keys();
  if (list.size > peersMax && oldest !== undefined) list.delete(oldest);
}

/** How many entries theirs has more than ours, by what it says. */
function lead({ mine, theirs }: Evidence): number {
  return theirs.work - mine.work;
}

function claimsMore(evidence: Evidence): boolean {
  const { mine, theirs } = evidence;
  return lead(evidence) > 0 || (lead(evidence) === 0 && compare(theirs.root, mine.root) < 0);
}
