/**
 * Where trainings of one author began, rebuilt from a log while that is folded: the state after the last round that was final for the
 * author, and on top of it the open entries that it had. Its two methods are given to the fold (`onStart`, `onRound`); `take` gives what
 * has come together, once.
 */
import { equals } from 'uint8arrays';
import type { PeerKey } from '../core/io.ts';
import type { DeltaContent } from '../entries/delta/delta-state.ts';
import type { LogEntry } from '../log/entry-kind.ts';
import { entriesOf, type Place } from '../log/log-book.ts';
import { cloneState, type LogState } from '../log/log-state.ts';
import { isDelta } from '../methods/delta-log/log-parts.ts';
import { type Start, type StartParts, startOf } from '../methods/delta-log/open-start.ts';
import type { TrainingRecord } from '../methods/delta-log/training-record.ts';

export interface Rebuilt {
  readonly record: TrainingRecord;
  /** The author's delta of the round, as the log has it; null for none. */
  readonly delta: LogEntry<DeltaContent> | null;
  /** The model that training began on, and the place of the learning rate's schedule; or, in a sentence, why they cannot be told. */
  readonly start: Start | { readonly unknown: string };
}

export interface RebuilderOptions extends StartParts {
  /** Oldest first. */
  readonly records: readonly TrainingRecord[];
  /** States of the run that there is memory for: a file of some kilobytes may say of trainings that each began on another one. */
  readonly statesMax: number;
}

/** Trainings that wait began on more states than there is memory for. */
export class TooManyStartsError extends Error {
  override readonly name = 'TooManyStartsError';
}

/** Entries of so many rounds after its own may have been open when a training began: clocks of others may be ahead. Guess. */
const aheadRounds = 4;

export class StartRebuilder {
  readonly #options: RebuilderOptions;
  #waiting: readonly TrainingRecord[];
  /** States that trainings which wait began on, by round. */
  readonly #bases = new Map<number, LogState>();
  readonly #entries = new Map<string, LogEntry>();
  #rebuilt: Rebuilt[] = [];
  #fromRound = 0;

  constructor(options: RebuilderOptions) {
    this.#options = options;
    this.#waiting = options.records;
  }

  readonly onStart = (state: Readonly<LogState>): void => {
    this.#fromRound = state.round + 1;
    this.#noteBase(state);
  };

  readonly onRound = (state: Readonly<LogState>, places: readonly Place[]): void => {
    for (const { held } of places) for (const entry of entriesOf(held)) this.#entries.set(entry.id, entry);
    this.#noteBase(state);
    while (this.#waiting[0] && state.round >= this.#waiting[0].round + aheadRounds) this.#next();
  };

  /** The log has ended. */
  readonly onEnd = (): void => {
    while (this.#waiting.length > 0) this.#next();
  };

  take(): readonly Rebuilt[] {
    const rebuilt = this.#rebuilt;
    this.#rebuilt = [];
    return rebuilt;
  }

  #noteBase(state: Readonly<LogState>): void {
    if (!this.#waiting.some(({ base }) => base.round === state.round)) return;
    const { statesMax } = this.#options;
    if (this.#bases.size >= statesMax)
      throw new TooManyStartsError(`trainings began on more than ${statesMax} states of the run at a time`);
    this.#bases.set(state.round, cloneState(this.#options.kinds, state));
  }

  #next(): void {
    const [record, ...others] = this.#waiting as [TrainingRecord, ...TrainingRecord[]];
    this.#rebuilt.push({ record, delta: this.#deltaOf(record), start: this.#startOf(record) });
    this.#waiting = others;
    const oldest = Math.min(...others.map(({ base }) => base.round));
    for (const round of this.#bases.keys()) if (round < oldest) this.#bases.delete(round);
    for (const [id, { round }] of this.#entries) if (round <= oldest) this.#entries.delete(id);
  }

  #deltaOf({ author, round }: TrainingRecord): LogEntry<DeltaContent> | null {
    return ownDelta(this.#entries.values(), author, round);
  }

  #startOf({ base, open, round }: TrainingRecord): Rebuilt['start'] {
    const known = this.#bases.get(base.round);
    if (!known) {
      const why = base.round < this.#fromRound ? `it begins with round ${this.#fromRound}` : 'it ends before';
      return {
        unknown: `the log does not have round ${base.round}, which was final when training began: ${why}`,
      };
    }
    if (!equals(known.root, base.root))
      return {
        unknown: `after round ${base.round} the node stood in another history, which it has given up since`,
      };
    const entries = open.map((id) => this.#entries.get(id));
    const missing = entries.filter((entry) => entry === undefined).length;
    if (missing > 0)
      return {
        unknown: `${missing} of the ${open.length} open entries that it trained on are not in the log: its peers left them out`,
      };
    return startOf(known, entries as LogEntry[], round, this.#options);
  }
}

function ownDelta(
  entries: Iterable<LogEntry>,
  author: PeerKey,
  round: number,
): LogEntry<DeltaContent> | null {
  for (const entry of entries)
    if (entry.author === author && entry.round === round && isDelta(entry)) return entry;
  return null;
}
