/**
 * Events as lines of log.jsonl. What a stranger can cause without end is written at level debug only, and counted; what a quiet
 * node does without end is written when it changes.
 */
import type { Logger } from 'pino';
import type { NodeEvent, RunSample } from '../node/events.ts';

type Event = NodeEvent['event'];

const quiet: ReadonlySet<Event['kind']> = new Set([
  'accepted',
  'refused',
  'request-served',
  'request-refused',
  'sampled',
  'file-pulled',
  'working',
  'input-dropped',
]);

const troubles: ReadonlySet<Event['kind']> = new Set([
  'evaluation-failed',
  'save-failed',
  'snapshot-not-kept',
  'manifest-refused',
  'file-refused',
]);

/** Told for ever, a few times a minute; mostly the same as before. */
const repeated: ReadonlySet<Event['kind']> = new Set([
  'provided',
  'provide-failed',
  'providers-found',
  'find-failed',
]);

/** Whoever looks at a node has samples made, twice a second while it draws its view. Between two lines; a guess. */
const sampledEveryMs = 5_000;
/** Between two that say in short how a run stood in its round, which is what a report draws curves of. */
const shortEveryMs = 1_000;

export class EventLog {
  readonly #log: Logger;
  /** Of what is repeated the last line, by kind and run. */
  readonly #last = new Map<string, string>();
  readonly #sampledAtMs = new Map<string | null, number>();
  readonly #shortOf = new Map<string | null, { readonly round: number; readonly atMs: number }>();

  constructor(log: Logger) {
    this.#log = log;
  }

  write({ runId, atMs, event }: Pick<NodeEvent, 'runId' | 'atMs' | 'event'>): void {
    if (event.kind === 'sampled') {
      this.#writeInShort(runId, atMs, event.sample);
      const since = Math.abs(atMs - (this.#sampledAtMs.get(runId) ?? Number.NEGATIVE_INFINITY));
      if (since < sampledEveryMs) return;
      this.#sampledAtMs.set(runId, atMs);
    }
    const level = this.#isQuiet(runId, event) ? 'debug' : troubles.has(event.kind) ? 'warn' : 'info';
    this.#log[level](runId === null ? event : { runId, ...event }, event.kind);
    if (event.kind === 'ended' && runId !== null) this.#forget(runId);
  }

  /** Once a round: a kilobyte of each sample is of contributions and links. */
  #writeInShort(runId: string | null, atMs: number, { core, bytesIn, bytesOut }: RunSample): void {
    const { phase, round, finalisedRound, lag, lastTrained } = core;
    const last = this.#shortOf.get(runId);
    if (
      round < 0 ||
      phase === 'finished' ||
      round === last?.round ||
      Math.abs(atMs - (last?.atMs ?? -Infinity)) < shortEveryMs
    )
      return;
    this.#shortOf.set(runId, { round, atMs });
    const sample = { core: { phase, round, finalisedRound, lag, lastTrained }, bytesIn, bytesOut };
    this.#log.info({ runId, kind: 'sampled', sample }, 'sampled');
  }

  #isQuiet(runId: string | null, event: Event): boolean {
    // That lines at debug were left out is no more than they are.
    if (quiet.has(event.kind === 'untold' ? event.of : event.kind)) return true;
    if (!repeated.has(event.kind)) return false;
    const key = `${runId}/${event.kind}`;
    const told = JSON.stringify(event);
    const isOld = this.#last.get(key) === told;
    this.#last.set(key, told);
    return isOld;
  }

  #forget(runId: string): void {
    this.#sampledAtMs.delete(runId);
    this.#shortOf.delete(runId);
    for (const kind of repeated) this.#last.delete(`${runId}/${kind}`);
  }
}
