/** What we say of the work of others goes into the log as long as its round is open and has a place for it; later it is left unsaid. */
import type { Output, StoreWrite } from '../../core/io.ts';
import type { LogEntry } from '../../log/entry-kind.ts';
import type { Claim } from '../../log/envelope.ts';
import type { RunLog } from '../../log/run-log.ts';

/** Stores what was appended with what else changes, and announces it. */
export type Publish = (out: Output[], entry: LogEntry, writes: readonly StoreWrite[]) => void;

export interface Words {
  readonly round: number;
  /** Number of the kind among those of the run. */
  readonly kind: number;
  /** The place that it has to stand at, of the author's own; any free one where not given. */
  readonly index?: number;
  readonly claims: readonly Claim[];
  readonly body: Uint8Array;
  /** Change in the same transaction. */
  readonly writes?: readonly StoreWrite[];
}

/** Where they go. */
export interface Speaking {
  readonly log: RunLog;
  readonly publish: Publish;
}

/** False, and nothing has changed, where it is too late or there is no place. */
export function say(
  out: Output[],
  { round, kind, claims, body, writes = [], ...place }: Words,
  { log, publish }: Speaking,
): boolean {
  const { phase, replica, own } = log;
  if (phase === 'joining' || phase === 'finished' || round <= replica.base.round) return false;
  const index = place.index ?? own.freeIndex(round, kind);
  if (index === null || !own.isFree(round, kind, index)) return false;
  const appended = log.append({ round, kind, index, claims }, body);
  publish(out, appended.entry, [...appended.writes, ...writes]);
  return true;
}
