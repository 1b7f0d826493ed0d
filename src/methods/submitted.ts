/** What people write into a log goes into the present round. */
import type { Input, Output, StoreWrite } from '../core/io.ts';
import type { LogEntry } from '../log/entry-kind.ts';
import type { Kinds } from '../log/log-state.ts';
import type { RunLog } from '../log/run-log.ts';

type Wanted = Pick<Input & { type: 'submit' }, 'entryKind' | 'body'>;

export type Submitted =
  | { readonly refused: string }
  | { readonly entry: LogEntry; readonly writes: readonly StoreWrite[] };

/** Signs an entry of a kind from number `from` on, or says why not. What is to be stored and announced is the caller's. */
export function appendSubmitted(
  log: RunLog,
  { kinds, from }: { readonly kinds: Kinds; readonly from: number },
  { entryKind, body }: Wanted,
  nowMs: number,
): Submitted {
  const number = kinds.findIndex(({ id }) => id === entryKind);
  const kind = number >= from ? kinds[number] : undefined;
  if (!kind) return { refused: `this run logs no entries of kind ${entryKind} that people write` };
  if (body.length > kind.bodyBytesMax)
    return { refused: `a ${entryKind} has at most ${kind.bodyBytesMax} bytes` };
  if (kind.decode(body, []) === null) return { refused: `this is no ${entryKind} that peers would take` };
  const { phase } = log;
  const round = log.clock.slotAt(nowMs);
  if (phase === 'joining') return { refused: stillJoining };
  if (round < 0) return { refused: 'nothing is logged before the first round, which has not begun' };
  if (phase === 'finished') return { refused: 'the run is over, and its log is closed' };
  const index = log.own.freeIndex(round, number);
  if (index === null) return { refused: noRoomYet };
  const entry = log.own.sealed({ round, kind: number, index, claims: [] }, body);
  const why = whyInVain(log, kinds, entry);
  return why === null ? log.enter(entry) : { refused: why };
}

const noRoomYet = 'no room is left in this round: try again in the next';
/** What a node wrote in this round before it was stopped it does not know yet. */
export const justBegun = 'this node has just begun: try again in the next round';

const stillJoining = 'this node is still fetching the log of the run: try again once it has it';

/** Whether a refusal passes by itself. */
export function isForLater(refusal: string): boolean {
  return [noRoomYet, justBegun, stillJoining].some((later) => refusal.includes(later));
}

/** How a refusal begins that trying again does not change. */
export const notCounted = 'the log would not count it';

/** Nobody is told of what peers would not take, or what the log would not count, that it was written. */
function whyInVain({ replica }: RunLog, kinds: Kinds, entry: LogEntry): string | null {
  const kind = kinds[entry.kind]!;
  const stateIn =
    (states: readonly unknown[]) =>
    (id: string): unknown =>
      states[kinds.findIndex((one) => one.id === id)];
  const [final, live] = [replica.base.kinds, replica.live().kinds];
  const why = kind.uncounted?.(entry, live[entry.kind], stateIn(live)) ?? null;
  if (why !== null) return `${notCounted} (${why})`;
  const refusal = kind.admit(entry, final[entry.kind], stateIn(final));
  return refusal === null ? null : `peers would refuse it (${refusal})`;
}

/** Publishes what was appended, and tells whoever wrote it what became of it. */
export function answerSubmitted(
  out: Output[],
  token: number,
  submitted: Submitted,
  publish: (entry: LogEntry, writes: readonly StoreWrite[]) => void,
): void {
  if ('refused' in submitted) {
    out.push({ type: 'submitted', token, result: submitted });
    return;
  }
  publish(submitted.entry, submitted.writes);
  out.push({ type: 'submitted', token, result: { entryId: submitted.entry.id } });
}
