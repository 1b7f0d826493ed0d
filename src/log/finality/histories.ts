/**
 * Which of two histories stands, when they have parted: the one that more entitled keys stand in, each counted once, by its
 * latest word. A key's word is the mark that it shows us itself, over an authenticated connection, or the anchor in an entry that it has
 * signed. What somebody says about others, or about how long its history is, counts for nothing.
 */
import { compare, equals } from 'uint8arrays';
import { bytesToHex } from '../../core/bytes.ts';
import type { PeerKey } from '../../core/io.ts';
import type { Mark } from '../wire.ts';

interface Word extends Mark {
  /** When it was given: the slot in which we heard it, or the round of the entry that says it. */
  readonly slot: number;
}

export interface Fork {
  readonly round: number;
  readonly mine: Uint8Array;
  readonly theirs: Uint8Array;
  /** Connected peers that hold the other history. */
  readonly holders: readonly PeerKey[];
  /** Last round at which one of them still agreed with us; -1 if never seen. */
  readonly agreedRound: number;
  readonly weYield: boolean;
}

export interface HistoryView {
  /** Root of our history after a final round; null where it is not known any more, or not yet. */
  readonly rootAt: (round: number) => Uint8Array | null;
  readonly self: PeerKey;
  readonly weightOf: (peer: PeerKey) => number;
  /** What was said before counts for nothing. */
  readonly sinceSlot: number;
}

/** A peer whose claim came to nothing is not believed again for so many slots, then for twice as many, and so on. Guess. */
const disbeliefSlots = 16;
/** Keys remembered in each list; the one heard of least lately goes first. */
const keysMax = 1024;

/** Keys that stand in one history other than ours. */
interface Side {
  readonly keys: Set<PeerKey>;
  readonly words: Word[];
}

export class Histories {
  readonly #told = new Map<PeerKey, Word>();
  readonly #signed = new Map<PeerKey, Word>();
  readonly #agreed = new Map<PeerKey, number>();
  readonly #disbelieved = new Map<PeerKey, { readonly times: number; readonly untilSlot: number }>();

  /** A connected peer showed where its own history stands. */
  tell(peer: PeerKey, mark: Mark, slot: number): void {
    if (slot < (this.#disbelieved.get(peer)?.untilSlot ?? slot)) return;
    remember(this.#told, peer, { ...mark, slot });
  }

  /** An author signed where its history stood. */
  sign(author: PeerKey, mark: Mark, entryRound: number): void {
    if (entryRound < (this.#signed.get(author)?.slot ?? entryRound)) return;
    remember(this.#signed, author, { round: mark.round, root: mark.root, slot: entryRound });
  }

  /** The peer's history was ours after `round`. */
  agree(peer: PeerKey, round: number): void {
    remember(this.#agreed, peer, Math.max(round, this.#agreed.get(peer) ?? -1));
  }

  /** Peers that agreed with us on `round` or a later one. */
  agreeing(round: number): number {
    return [...this.#agreed.values()].filter((agreed) => agreed >= round).length;
  }

  /** A connected peer was last heard to hold another history. */
  isOpen({ rootAt }: Pick<HistoryView, 'rootAt'>): boolean {
    return [...this.#told.values()].some((word) => stands(word, rootAt) === 'elsewhere');
  }

  /** The peer claimed a history and did not show it: what it claims counts for nothing for a while. */
  disbelieve(peer: PeerKey, slot: number): void {
    const times = (this.#disbelieved.get(peer)?.times ?? 0) + 1;
    const untilSlot = slot + disbeliefSlots * 2 ** Math.min(times - 1, 16);
    remember(this.#disbelieved, peer, { times, untilSlot });
    this.#told.delete(peer);
  }

  forget(peer: PeerKey): void {
    this.#told.delete(peer);
    this.#agreed.delete(peer);
  }

  /** What was heard so far concerns a history that is not ours any more. */
  clear(): void {
    this.#told.clear();
    this.#agreed.clear();
  }

  /** The strongest history other than ours that a connected peer holds; null for none. */
  verdict(view: HistoryView): Fork | null {
    const { rootAt, weightOf, self } = view;
    const { ours, sides } = this.#sides(view);
    const weight = (keys: Iterable<PeerKey>): number =>
      [...keys].reduce((sum, key) => sum + weightOf(key), 0);
    const mine = weight(ours) + weightOf(self);
    const reachable = sides.filter(({ keys }) => [...keys].some((key) => this.#told.has(key)));
    const strongest = reachable
      .map((side) => ({ ...side, weight: weight(side.keys) }))
      .sort((a, b) => b.weight - a.weight)[0];
    if (!strongest) return null;
    const holders = [...strongest.keys].filter((key) => this.#told.has(key));
    const word = holders
      .map((key) => this.#told.get(key)!)
      .filter((one) => stands(one, rootAt) === 'elsewhere')
      .sort((a, b) => b.round - a.round)[0];
    if (!word) return null;
    const root = rootAt(word.round)!;
    const isEqual = strongest.weight === mine;
    return {
      round: word.round,
      mine: root,
      theirs: word.root,
      holders,
      agreedRound: Math.max(-1, ...holders.map((peer) => this.#agreed.get(peer) ?? -1)),
      weYield: strongest.weight > mine || (isEqual && compare(word.root, root) < 0),
    };
  }

  /** Part of the given keys that stand in our history at or after a round, by weight: what makes a checkpoint. */
  share(view: HistoryView, round: number, keys: Iterable<PeerKey>): number {
    const { rootAt, weightOf, self, sinceSlot } = view;
    let all = 0;
    let here = 0;
    for (const key of keys) {
      const weight = weightOf(key);
      all += weight;
      const words = [this.#told.get(key), this.#signed.get(key)];
      const isHere = words.some(
        (word) => word && word.slot >= sinceSlot && word.round >= round && stands(word, rootAt) === 'here',
      );
      if (isHere || key === self) here += weight;
    }
    return all > 0 ? here / all : 0;
  }

  /** Keys that stand in our history, and those that stand in others: two words are of one history where a key gave both. */
  #sides({ rootAt, self, sinceSlot }: HistoryView): { ours: Set<PeerKey>; sides: Side[] } {
    const ours = new Set<PeerKey>();
    let sides: Side[] = [];
    for (const key of new Set([...this.#told.keys(), ...this.#signed.keys()])) {
      if (key === self) continue;
      const words = [this.#told.get(key), this.#signed.get(key)].filter(
        (word): word is Word => word !== undefined && word.slot >= sinceSlot,
      );
      const [latest] = words;
      if (!latest) continue;
      // Its present word over an earlier one.
      if (stands(latest, rootAt) === 'here') ours.add(key);
      const others = words.filter((word) => stands(word, rootAt) === 'elsewhere');
      if (others.length === 0 || ours.has(key)) continue;
      const isSame = (side: Side): boolean => side.words.some((a) => others.some((b) => isOneWord(a, b)));
      const joined = sides.filter(isSame);
      sides = sides.filter((side) => !isSame(side));
      sides.push({
        keys: new Set([key, ...joined.flatMap(({ keys }) => [...keys])]),
        words: [...others, ...joined.flatMap(({ words: known }) => known)],
      });
    }
    return { ours, sides };
  }
}

function stands(word: Mark, rootAt: HistoryView['rootAt']): 'here' | 'elsewhere' | 'unknown' {
  const mine = rootAt(word.round);
  if (!mine) return 'unknown';
  return equals(mine, word.root) ? 'here' : 'elsewhere';
}

function isOneWord(a: Mark, b: Mark): boolean {
  return a.round === b.round && bytesToHex(a.root) === bytesToHex(b.root);
}

/** As the newest of at most `keysMax`. */
function remember<Value>(list: Map<PeerKey, Value>, key: PeerKey, value: Value): void {
  list.delete(key);
  list.set(key, value);
  const [oldest] = list.keys();
  if (list.size > keysMax && oldest !== undefined) list.delete(oldest);
}
