/**
 * What a later verdict may take out of the model again: the state some rounds ago, and what was folded on it since. Weights of a round
 * follow from all of its deltas and from the state before, so that one delta is not taken out by itself: the rounds are folded anew without
 * it. Never modified.
 */
import type { PeerKey } from '../../core/io.ts';
import {
  cloneDeltaState,
  type DeltaRules,
  type DeltaState,
  forgetLeast,
  type HeardRound,
  type Past,
} from './delta-state.ts';
import { type FoldedDeltas, type FoldObserver, foldDeltas, type UndoObserver } from './fold-deltas.ts';

/** Bytes of deltas that a state carries for it; a round that does not fit stays as it is. */
const heardBytesMax = 8 * 1024 * 1024;
/** Beside its body, generously. */
const heardRowBytes = 64;

/** A round has been folded into the state. It goes into the past once as many later ones as twice `undoRounds` are there. */
export function noteHeard(state: DeltaState, heard: HeardRound, rules: DeltaRules): void {
  const { past } = state;
  if (!past) return;
  const since = [...past.since, heard];
  const { undoRounds } = rules;
  let settled = since.length >= 2 * undoRounds ? since.length - undoRounds : 0;
  if (bytesOf(since.slice(settled)) > heardBytesMax)
    while (settled < since.length && 2 * bytesOf(since.slice(settled)) > heardBytesMax) settled++;
  state.past =
    settled > 0
      ? { state: foldAgain(past.state, since.slice(0, settled), rules), since: since.slice(settled) }
      : { ...past, since };
}

/** Whether a state may carry so much: more was never left in it. */
export function fitsPast({ since }: Past): boolean {
  return bytesOf(since) <= heardBytesMax;
}

function bytesOf(rounds: readonly HeardRound[]): number {
  return rounds.reduce(
    (sum, { deltas }) => sum + deltas.reduce((all, { body }) => all + body.length + heardRowBytes, 0),
    0,
  );
}

/** The state after these rounds. */
export function foldAgain(before: DeltaState, rounds: readonly HeardRound[], rules: DeltaRules): DeltaState {
  const state = cloneDeltaState(before);
  for (const heard of rounds) foldHeard(state, heard, rules);
  return state;
}

function foldHeard(
  state: DeltaState,
  { round, publishers, deltas }: HeardRound,
  rules: DeltaRules,
  observeFold?: FoldObserver,
): void {
  foldDeltas(state, round, deltas, rules, publishers, { observeFold });
  forgetLeast(state.contributions);
}

function* foldsAgain(
  before: DeltaState,
  rounds: readonly HeardRound[],
  rules: DeltaRules,
): Generator<FoldedDeltas> {
  const state = cloneDeltaState(before);
  for (const heard of rounds) {
    const folded: FoldedDeltas[] = [];
    foldHeard(state, heard, rules, (one) => folded.push(one));
    yield* folded;
  }
}

/** Takes out what these authors have added since; the state is what it would be, had they weighed nothing in those rounds. */
export function takeOut(
  state: DeltaState,
  isRetracted: (author: PeerKey) => boolean,
  rules: DeltaRules,
  observe?: UndoObserver,
): void {
  const { past } = state;
  if (!past) return;
  const authors = new Set(
    past.since.flatMap(({ deltas }) => deltas.map(({ author }) => author).filter(isRetracted)),
  );
  if (authors.size === 0) return;
  const since = past.since.map((heard) => ({
    ...heard,
    deltas: heard.deltas.filter(({ author }) => !authors.has(author)),
  }));
  observe?.({ from: since[0]!.round, authors, folds: () => foldsAgain(past.state, since, rules) });
  become(state, foldAgain(past.state, since, rules));
  state.past = { ...past, since };
}

function become(state: DeltaState, other: DeltaState): void {
  state.units.set(other.units);
  for (const [mine, theirs] of [
    [state.statistics, other.statistics],
    [state.contributions, other.contributions],
  ] as [Map<unknown, unknown>, Map<unknown, unknown>][]) {
    mine.clear();
    for (const [key, value] of theirs) mine.set(key, value);
  }
}
