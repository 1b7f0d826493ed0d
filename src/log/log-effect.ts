/**
 * What the log says in answer to an event, in order: outputs for the driver, and facts for the method on top of it. A fact
 * that changes the store carries its writes, so that what the method writes because of it goes into the same transaction.
 */
import type { Output, StoreWrite } from '../core/io.ts';
import type { LogEntry } from './entry-kind.ts';

export type LogFact =
  /** An entry is in the log that was not. */
  | {
      readonly type: 'entered';
      readonly entry: LogEntry;
      /** It proves that its author equivocates. */
      readonly isEquivocation: boolean;
      readonly writes: readonly StoreWrite[];
    }
  /** We stand in another history now. */
  | {
      readonly type: 'switched';
      /** Entries of ours that stand in it and did not in the one before. */
      readonly entered: readonly LogEntry[];
      /** And those that it leaves out. */
      readonly leftOut: readonly LogEntry[];
      readonly writes: readonly StoreWrite[];
    }
  /** Entries that the peers' history leaves out. */
  | {
      readonly type: 'left-out';
      readonly entries: readonly LogEntry[];
      readonly writes: readonly StoreWrite[];
    };

type LogEffect = Output | LogFact;

/** Where effects are put, in the order in which they are to be performed. */
export interface EffectSink {
  push(effect: LogEffect): unknown;
}
