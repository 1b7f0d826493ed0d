/** What a ledger takes out of a log while that is folded: each round that moved the model, with who moved it by which entry. */
import type { PeerKey } from '../core/io.ts';
import type { FoldedDeltas, UndoneRounds } from '../entries/delta/fold-deltas.ts';
import type { Anchor } from '../log/envelope.ts';
import type { Place } from '../log/log-book.ts';
import type { LogState } from '../log/log-state.ts';
import { isDelta } from '../methods/delta-log/log-parts.ts';

/** What the log says of an entry besides its delta. */
export interface EntryFacts {
  readonly id: string;
  readonly anchor: Anchor | null;
}

export interface RecordedRound extends FoldedDeltas {
  /** The final round with which it was folded, and the root after that. */
  readonly foldedAt: number;
  readonly root: Uint8Array;
  readonly entries: ReadonlyMap<PeerKey, EntryFacts>;
}

/** In the order in which it happened. */
export type Recorded =
  | { readonly kind: 'folded'; readonly round: RecordedRound }
  /** `by`: the final round whose verdicts did it. */
  | { readonly kind: 'undone'; readonly rounds: UndoneRounds; readonly by: number };

/** Its methods are given to the fold (`observeFold`, `observeUndo`, `onRound`); `take` gives what has come together, once. */
export class FoldRecorder {
  #folded: FoldedDeltas[] = [];
  #undone: UndoneRounds[] = [];
  #recorded: Recorded[] = [];
  /** Of rounds that have deltas and are not folded yet, in ascending order. */
  readonly #entries = new Map<number, Map<PeerKey, EntryFacts>>();

  readonly observeFold = (folded: FoldedDeltas): void => {
    this.#folded.push(folded);
  };

  readonly observeUndo = (undone: UndoneRounds): void => {
    this.#undone.push(undone);
  };

  readonly onRound = ({ round, root }: Readonly<LogState>, places: readonly Place[]): void => {
    const deltas = deltasAmong(places);
    if (deltas.size > 0) this.#entries.set(round, deltas);
    for (const folded of this.#folded) {
      const entries = this.#entries.get(folded.round) ?? new Map<PeerKey, EntryFacts>();
      const recorded = { ...folded, foldedAt: round, root: root.slice(), entries };
      this.#recorded.push({ kind: 'folded', round: recorded });
    }
    for (const rounds of this.#undone) this.#recorded.push({ kind: 'undone', rounds, by: round });
    const settled = this.#folded.at(-1)?.round ?? -1;
    for (const old of this.#entries.keys()) {
      if (old > settled) break;
      this.#entries.delete(old);
    }
    this.#folded = [];
    this.#undone = [];
  };

  take(): readonly Recorded[] {
    const recorded = this.#recorded;
    this.#recorded = [];
    return recorded;
  }
}

function deltasAmong(places: readonly Place[]): Map<PeerKey, EntryFacts> {
  const found = new Map<PeerKey, EntryFacts>();
  for (const { author, held } of places) {
    if (held.kind !== 'entry' || !isDelta(held.entry)) continue;
    found.set(author, { id: held.entry.id, anchor: held.entry.anchor });
  }
  return found;
}
