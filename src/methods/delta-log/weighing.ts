/** Whose deltas of each round of an alliance weighed what, and why, as its log is folded: for people alone, nothing depends on it. */
import type { PeerKey, RoundVote, WeighedBy, WeighedDelta } from '../../core/io.ts';
import { verdictsOf } from '../../entries/ballot/ballot-kind.ts';
import type { Verdict } from '../../entries/ballot/ballot-state.ts';
import type { WeightObserver } from '../../entries/delta/fold-deltas.ts';
import type { Place } from '../../log/log-book.ts';
import type { Kinds, LogState } from '../../log/log-state.ts';
import { deltaStateOf, isDelta } from './log-parts.ts';

export interface WeighingOptions {
  readonly kinds: Kinds;
  /** Of the kind of the votes among them. */
  readonly ballots: number;
  /** Rounds from a round until it is folded into the model. */
  readonly judgingRounds: number;
}

/** A round whose deltas wait, or have just been folded. */
export interface WeighedRound {
  readonly round: number;
  readonly verdict: Verdict | null;
  readonly deltas: readonly WeighedDelta[];
}

type State = Readonly<LogState>;

export class Weighing {
  readonly #options: WeighingOptions;
  readonly #waiting = new Map<number, { authors: readonly PeerKey[]; verdict: Verdict | null }>();
  #weights: { readonly round: number; readonly of: ReadonlyMap<PeerKey, number> } | null = null;
  /** As of the round before: that is what a fold goes by. */
  #silenced: ReadonlySet<PeerKey> = new Set();
  #banned: ReadonlySet<PeerKey> = new Set();

  constructor(options: WeighingOptions) {
    this.#options = options;
  }

  /** With what is held when a node comes up, or goes over to another history. */
  begin(state: State): void {
    this.#waiting.clear();
    for (const [round, deltas] of deltaStateOf(state).pending)
      this.#waiting.set(round, { authors: deltas.map(({ author }) => author), verdict: null });
    this.#note(state);
  }

  /** States that are not final are folded as well: the last word before `folded` is of the one that is. */
  readonly observe: WeightObserver = (round, deltas, weights) => {
    const of = deltas.map(({ author }, index) => [author, weights[index]!] as const);
    this.#weights = { round, of: new Map(of) };
  };

  /** After each final round, whose entries lie in `places`: what has become of the one that was folded with it; null where it had no deltas. */
  folded(state: State, places: readonly Place[]): WeighedRound | null {
    const authors = places.flatMap(({ author, held }) =>
      held.kind === 'equivocation' || isDelta(held.entry) ? [author] : [],
    );
    if (authors.length > 0) this.#waiting.set(state.round, { authors, verdict: null });
    this.#noteVerdicts(state);
    const round = state.round - this.#options.judgingRounds;
    const one = this.#waiting.get(round);
    const weights = this.#weights?.round === round ? this.#weights.of : new Map<PeerKey, number>();
    this.#weights = null;
    this.#waiting.delete(round);
    const settled = one && {
      ...{ round, verdict: one.verdict },
      deltas: one.authors.map((author) => ({
        author,
        weight: weights.get(author) ?? 0,
        why: weights.has(author) ? ('weighed' as const) : this.#whyNot(author, one.verdict),
      })),
    };
    this.#note(state);
    return settled ?? null;
  }

  /** Rounds that wait to be folded. */
  waiting(): ReadonlyArray<Omit<WeighedRound, 'deltas'> & { readonly authors: readonly PeerKey[] }> {
    return [...this.#waiting].map(([round, one]) => ({ round, ...one }));
  }

  #whyNot(author: PeerKey, verdict: Verdict | null): Exclude<WeighedBy, 'weighed'> {
    if (verdict?.isRolledBack) return 'rolled-back';
    if (verdict?.unseen.includes(author)) return 'unseen';
    if (this.#silenced.has(author)) return 'silenced';
    return this.#banned.has(author) ? 'equivocated' : 'not-drawn';
  }

  #noteVerdicts({ kinds }: State): void {
    for (const verdict of verdictsOf(kinds[this.#options.ballots])) {
      const one = this.#waiting.get(verdict.round);
      if (one) one.verdict ??= verdict;
    }
  }

  #note(state: State): void {
    this.#noteVerdicts(state);
    const authors = new Set([...this.#waiting.values()].flatMap((one) => one.authors));
    const isSilenced = (author: PeerKey): boolean =>
      this.#options.kinds.some((kind, index) => kind.silences?.(state.kinds[index], author) ?? false);
    this.#silenced = new Set([...authors].filter(isSilenced));
    this.#banned = new Set(state.banned.keys());
  }
}

/** A verdict in short. */
export function voteOf({ median, isRolledBack, said, voters, silent }: Verdict): RoundVote {
  return {
    outcome: median === null ? 'no-quorum' : isRolledBack ? 'rolled-back' : 'stands',
    growth: median === null ? null : median / 1e6,
    ...{ said: said.length, voters, silent },
    far: said.flatMap(({ voter, isFar }) => (isFar ? [voter] : [])),
  };
}
