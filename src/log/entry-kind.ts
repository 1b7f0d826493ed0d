/**
 * A kind of entry: what it may look like, when it is let in, and what a final round of it does to the kind's state. The log
 * moves entries of all kinds alike and never looks inside; a kind knows nothing of peers, time or how entries travel.
 */
import type { PeerKey, RefusalReason, ShownEntry } from '../core/io.ts';
import type { Claim, EntryHeader, Envelope } from './envelope.ts';

/** An entry whose body is here and decoded. */
export interface LogEntry<Content = unknown> extends Envelope {
  readonly body: Uint8Array;
  readonly content: Content;
}

/** What a reducer is told of the round it folds. */
export interface FinalRound<Content> {
  readonly round: number;
  /** Those that count, in ascending order of author and index: no equivocations, no authors banned in an earlier round. */
  readonly entries: ReadonlyArray<LogEntry<Content>>;
  /** Those of all kinds, kind after kind. */
  readonly everything: readonly LogEntry[];
  /** Equivocators and the round of the proof, this round's included. */
  readonly banned: ReadonlyMap<PeerKey, number>;
  /** The run had all its rounds before this one: only what judges them is still looked at. */
  readonly isOver: boolean;
  /** Hash chain of the history up to this round, 32 bytes: nobody could foresee it who wrote an entry of the round. */
  readonly root: Uint8Array;
  /** Authors whose entries of the run's first kind carried weight in this round; empty for that kind itself. */
  readonly publishers: readonly PeerKey[];
  /** Entries of the run's first kind that counted in this round. */
  readonly first: readonly LogEntry[];
  /** Whether some kind, as of the round before, lets nothing of the author carry weight; or nothing of it in the round given. */
  readonly isSilenced: (author: PeerKey, round?: number) => boolean;
  /** As `isSilenced`, by other kinds than the one that is reduced. */
  readonly isSilencedByOthers: (author: PeerKey) => boolean;
  /** What the author's words weigh by what it has done, in (0, 1], this round's deltas included. */
  readonly standingOf: (author: PeerKey) => number;
  /** State of a kind that is reduced before this one, with this round in it; undefined where the run logs none. */
  readonly stateOf: (kind: string) => unknown;
}

/** What a round of a kind amounts to. */
export interface RoundSummary {
  /** Authors of the entries that counted, once for each. */
  readonly publishers: readonly PeerKey[];
  /** Median part of the work asked for that was done, in [0, 1]; null where that means nothing. */
  readonly effort: number | null;
  /** All authors were asked to publish, so that fewer than before means that some did not make it. */
  readonly everyone: boolean;
}

export interface AskedPlaces<State> {
  /** The round after which it is known who is asked for an entry there; below 0: nobody is. */
  after(place: Pick<EntryHeader, 'round' | 'index'>): number;
  /** By the state after that round, or a later one before the entry's. */
  isAsked(state: State, place: Pick<EntryHeader, 'author' | 'index'>, after: number): boolean;
}

export interface EntryKind<Content = unknown, State = unknown> {
  readonly id: string;
  /** Bounds first: of one body, of the entries of an author in a round (at most 256), of all entries in a round. */
  readonly bodyBytesMax: number;
  readonly perAuthorAndRound: number;
  readonly entriesPerRoundMax: number;
  /** Null for what no encoder writes. */
  decode(body: Uint8Array, claims: readonly Claim[]): Content | null;
  /**
   * A pure function of the state after the last final round, and of those of the run's other kinds: why a well-formed entry is not let in
   * now, or null.
   */
  admit(entry: EntryHeader, state: State, stateOf: (kind: string) => unknown): RefusalReason | null;
  /** Why an entry that is written now would not count, as far as these states tell, all that is held in them; null where it would, or none can be told. */
  uncounted?(entry: LogEntry<Content>, state: State, stateOf: (kind: string) => unknown): string | null;
  /** Of a kind whose entries some are asked for: where a round is full, everyone else gives way to them. */
  readonly asked?: AskedPlaces<State>;
  /** Of a kind that judges: whether what the author publishes is to carry no weight, or what it published in the round, where one is given. */
  silences?(state: State, author: PeerKey, round?: number): boolean;
  /**
   * Of a kind by which keys are shown the door: whether nothing is to be asked of the peer, or answered. `credential`: what it showed for
   * itself; null for nothing.
   */
  expels?(state: State, peer: PeerKey, credential: Uint8Array | null): boolean;
  /** What the author's words weigh by what it has done, in (0, 1]; where several kinds say so, their product. */
  standing?(state: State, author: PeerKey): number;
  /** Of a kind that judges: whether an entry of the run's first kind counts at all. */
  counts?(state: State, entry: LogEntry): boolean;
  /** Of a kind that judges: whether what the author has published lately is taken out again, as far as that can be. */
  retracts?(state: State, author: PeerKey): boolean;
  /** Of the run's first kind: takes it out, once all kinds have been reduced. */
  retract?(state: State, isRetracted: (author: PeerKey) => boolean): void;
  initial(): State;
  /** A copy that `reduce` may modify; `into` may give its memory. */
  clone(state: State, into?: State): State;
  /** Folds a final round into the state. */
  reduce(state: State, round: FinalRound<Content>): RoundSummary;
  /** Canonical: equal states, equal bytes. At most `stateBytesMax`. */
  encode(state: State): Uint8Array;
  readonly stateBytesMax: number;
  /** Null for anything that `encode` could not have written. */
  decodeState(bytes: Uint8Array): State | null;
  /** What status pages and terminals show of the state, oldest first. */
  show(state: State): readonly Omit<ShownEntry, 'kind'>[];
}
