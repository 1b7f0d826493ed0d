/** Where a training began: a final state, and on top of it the open entries that its author had. */
import { equals } from 'uint8arrays';
import type { Crypto } from '../../core/crypto.ts';
import type { DeltaKind } from '../../entries/delta/delta-kind.ts';
import type { LogEntry } from '../../log/entry-kind.ts';
import { LogBook } from '../../log/log-book.ts';
import { countedBefore } from '../../log/log-clock.ts';
import {
  cloneState,
  foldRound,
  isComplete,
  type Kinds,
  type LogFrame,
  type LogState,
} from '../../log/log-state.ts';
import type { Replica } from '../../log/replica.ts';
import { deltaStateOf } from './log-parts.ts';
import type { TrainingRecord } from './training-record.ts';

export interface Start {
  readonly model: Float32Array;
  /** Where the schedule of the learning rate stood. */
  readonly scheduleRound: number;
}

export interface StartParts {
  readonly runId: string;
  readonly crypto: Crypto;
  readonly kinds: Kinds;
  readonly delta: DeltaKind;
  readonly frame: LogFrame;
}

/** `base`: the state after the last final round, which stays as it is. */
export function startOf(
  base: Readonly<LogState>,
  open: readonly LogEntry[],
  round: number,
  { runId, crypto, kinds, delta, frame }: StartParts,
): Start {
  const entriesPerRoundMax = kinds.map((kind) => kind.entriesPerRoundMax);
  const book = new LogBook({ runId, crypto, entriesPerRoundMax });
  for (const entry of open) book.insert(entry);
  const scheduleRound = countedBefore(base, book, round, frame);
  const state = cloneState(kinds, base);
  const last = book.heldRounds().at(-1) ?? -1;
  while (state.round < last && !isComplete(state, frame)) {
    const next = state.round + 1;
    foldRound(state, book.places(next), book.digest(next), { kinds, frame, crypto });
  }
  return { model: delta.parameters(deltaStateOf(state)), scheduleRound };
}

/**
 * From a replica at or before it, which is used up; `shown`: entries that its log has lost, by id. Null where neither has what the record
 * names.
 */
export function openStart(
  { base, open, round }: TrainingRecord,
  branch: Replica,
  shown: ReadonlyMap<string, LogEntry>,
  parts: StartParts,
): Start | null {
  branch.passThrough(base.round);
  if (branch.base.round !== base.round || !equals(branch.base.root, base.root)) return null;
  const entries = open.map((id) => branch.log.entry(id) ?? shown.get(id));
  if (!entries.every((entry) => entry !== undefined && entry.round > base.round)) return null;
  return startOf(branch.base, entries as LogEntry[], round, parts);
}
