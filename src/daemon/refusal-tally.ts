/** What was refused, as a line now and then instead of one each: whoever wants to be refused often fills no log. */
import type { NodeEvent } from '../node/events.ts';

export interface RefusedLately {
  readonly runId: string | null;
  readonly peer: string;
  readonly reason: string;
  readonly count: number;
}

/** Told apart between two lines; the others are counted together. */
const rowsMax = 64;
/** Of a reason that comes with a request and may be long. */
const reasonLengthMax = 80;

export class RefusalTally {
  readonly #rows = new Map<string, RefusedLately>();
  #others = 0;

  note({ runId, event }: Pick<NodeEvent, 'runId' | 'event'>): void {
    if (event.kind === 'refused') this.#add(runId, event.from, event.reason);
    else if (event.kind === 'request-refused') this.#add(runId, event.peer, event.reason);
  }

  /** What came together since the last time, most of it first; null for nothing. */
  take(): { readonly refused: readonly RefusedLately[]; readonly others: number } | null {
    if (this.#rows.size === 0) return null;
    const refused = [...this.#rows.values()].sort((a, b) => b.count - a.count);
    const others = this.#others;
    this.#rows.clear();
    this.#others = 0;
    return { refused, others };
  }

  #add(runId: string | null, peer: string, told: string): void {
    const reason = told.slice(0, reasonLengthMax);
    const key = JSON.stringify([runId, peer, reason]);
    const row = this.#rows.get(key) ?? { runId, peer, reason, count: 0 };
    if (row.count === 0 && this.#rows.size >= rowsMax) this.#others += 1;
    else this.#rows.set(key, { ...row, count: row.count + 1 });
  }
}
