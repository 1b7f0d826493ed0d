/**
 * What a run is after a final round: a function of the sets of entries of all rounds up to it, and of nothing else. Each kind
 * has a state of its own; what all kinds share is here: the hash chain, who equivocated, which rounds count.
 */
import type { Crypto } from '../core/crypto.ts';
import type { PeerKey } from '../core/io.ts';
import type { EntryKind, LogEntry } from './entry-kind.ts';
import { nextRoot } from './lineage.ts';
import type { Place } from './log-book.ts';
import { advancePace, initialPace, isOver, type Pace, type PaceSpec } from './pace.ts';

export interface LogState {
  /** Last round folded; -1 for the start. */
  round: number;
  /** Hash chain over the digests of the non-empty rounds, 32 bytes. */
  root: Uint8Array;
  /** Entries of the first kind that counted so far: of two histories whose words weigh alike, the one with more work stands. */
  work: number;
  pace: Pace;
  /** Proven equivocators and the round of the proof: nothing counts of them in any later round. */
  readonly banned: Map<PeerKey, number>;
  /** In the order of the run's kinds. */
  readonly kinds: unknown[];
}

/** What folding needs to know of a run besides its kinds. */
export interface LogFrame extends PaceSpec {
  readonly runId: string;
  /** Root before the first round, 32 bytes. */
  readonly initHash: Uint8Array;
  /** First-hand entries this many rounds old are still admitted. */
  readonly admitRounds: number;
  /** Rounds between snapshots. */
  readonly snapshotRounds: number;
}

/** Those of a run, in the order in which they are reduced. The first one's rounds are counted. */
export type Kinds = readonly [EntryKind, ...EntryKind[]];

export function initialState(kinds: Kinds, frame: LogFrame): LogState {
  return {
    ...{ round: -1, root: frame.initHash, work: 0, pace: initialPace(frame) },
    banned: new Map(),
    kinds: kinds.map((kind) => kind.initial()),
  };
}

/** A copy; `into` may give the memory of its kinds' states, which saves the system the work of finding new. */
export function cloneState(kinds: Kinds, state: LogState, into?: LogState): LogState {
  return {
    ...state,
    banned: new Map(state.banned),
    kinds: kinds.map((kind, index) => kind.clone(state.kinds[index], into?.kinds[index])),
  };
}

/**
 * Proven equivocators that are remembered, which a snapshot has room for; those beyond lose the place that they equivocated at, and
 * no more.
 */
const bannedMax = 65_536;

/** Folds the next round into the state. `digest` is the log's digest of exactly these places. */
export function foldRound(
  state: LogState,
  places: readonly Place[],
  digest: Uint8Array,
  { kinds, frame, crypto }: { readonly kinds: Kinds; readonly frame: LogFrame; readonly crypto: Crypto },
): void {
  const round = state.round + 1;
  const counted = kinds.map((): LogEntry[] => []);
  for (const place of places) {
    if (place.held.kind === 'equivocation') continue;
    const { entry } = place.held;
    // Who equivocates in this very round loses that place alone.
    if (!state.banned.has(entry.author)) counted[entry.kind]!.push(entry);
  }
  for (const { author, held } of places) {
    if (held.kind !== 'equivocation' || state.banned.has(author)) continue;
    if (state.banned.size < bannedMax) state.banned.set(author, round);
  }
  const isLate = state.pace.endRound !== null;
  state.root = nextRoot(crypto, state.root, round, places.length > 0 ? digest : null);
  const { banned, root } = state;
  // The first kind is reduced before those that judge it.
  const isSilencedBut = (except: number | null, author: PeerKey, about?: number): boolean =>
    kinds.some(
      (kind, index) => index !== except && (kind.silences?.(state.kinds[index], author, about) ?? false),
    );
  const isSilenced = (author: PeerKey, about?: number): boolean => isSilencedBut(null, author, about);
  const isSilencedByOthers =
    (index: number) =>
    (author: PeerKey): boolean =>
      isSilencedBut(index, author);
  const deltas = counted[0]!.filter((entry) =>
    kinds.every((kind, index) => kind.counts?.(state.kinds[index], entry) ?? true),
  );
  const stateOf = (id: string): unknown => state.kinds[kinds.findIndex((kind) => kind.id === id)];
  const [first] = kinds;
  const standingOf = (author: PeerKey): number =>
    kinds.reduce((weight, kind, index) => weight * (kind.standing?.(state.kinds[index], author) ?? 1), 1);
  const common = {
    ...{ round, banned, isOver: isLate, root, isSilenced, standingOf },
    ...{ first: deltas, everything: counted.flat(), stateOf },
  };
  const summary = first.reduce(state.kinds[0], {
    ...{ ...common, entries: deltas, publishers: [] },
    isSilencedByOthers: isSilencedByOthers(0),
  });
  const { publishers } = summary;
  for (const [index, kind] of kinds.entries()) {
    if (index > 0)
      kind.reduce(state.kinds[index], {
        ...{ ...common, entries: counted[index]!, publishers },
        isSilencedByOthers: isSilencedByOthers(index),
      });
  }
  if (first.retract)
    first.retract(state.kinds[0], (author) =>
      kinds.some((kind, index) => kind.retracts?.(state.kinds[index], author) ?? false),
    );
  state.work += publishers.length;
  state.pace = advancePace(state.pace, round, summary, frame);
  state.round = round;
}

/** Nothing is folded after this state. */
export function isComplete(state: LogState, frame: LogFrame): boolean {
  return isOver(state.pace, state.round, frame);
}
