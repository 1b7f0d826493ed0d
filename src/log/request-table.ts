import type { Output, OutputSink, PeerKey } from '../core/io.ts';
import { responseBytesMax } from './wire.ts';

/** Requests under way at one node; more are not started. */
const requestsMax = 2048;
/** Most requests that repair and catch-up open at once: eight parts of 64 bodies, one batch of ids a peer. */
const askedAtOnceMax = 1024;

function counter(): () => number {
  let last = 0;
  return () => ++last;
}

/** Remembers what each request under way was about, so that an answer finds its meaning. */
export class RequestTable<Meaning extends { readonly peer: PeerKey }> {
  readonly #timeoutMs: number;
  readonly #pending = new Map<number, Meaning>();
  readonly #nextId: () => number;

  /** `nextId`: for a node with several tables. */
  constructor(timeoutMs: number, nextId: () => number = counter()) {
    this.#timeoutMs = timeoutMs;
    this.#nextId = nextId;
  }

  /** What is asked counts as under way: where there might be no room for all of it, nothing is to be asked. */
  get hasRoomForAll(): boolean {
    return requestsMax - this.#pending.size >= askedAtOnceMax;
  }

  /** Emits the request, which `bytes` encode; false when too many are under way. `how`: of the request, where more is to be said of it. */
  open(
    out: OutputSink,
    meaning: Meaning,
    bytes: Uint8Array,
    how: Pick<Output & { type: 'request' }, 'dials'> = {},
  ): boolean {
    if (this.#pending.size >= requestsMax) return false;
    const requestId = this.#nextId();
    this.#pending.set(requestId, meaning);
    out.push({
      type: 'request',
      requestId,
      peer: meaning.peer,
      bytes,
      responseBytesMax,
      timeoutMs: this.#timeoutMs,
      ...how,
    });
    return true;
  }

  /** The meaning of an answer, once; undefined for a stale one. */
  take(requestId: number): Meaning | undefined {
    const meaning = this.#pending.get(requestId);
    this.#pending.delete(requestId);
    return meaning;
  }

  some(predicate: (meaning: Meaning) => boolean): boolean {
    for (const meaning of this.#pending.values()) if (predicate(meaning)) return true;
    return false;
  }
}
