/**
 * What waits for peers that do not read it, of all connections of a host together: each has a bound of its own, but there may be hundreds,
 * and keys cost nothing. Where it is too much, those for whom most waits are let go first.
 */

/** Of a host: sixteen connections as bad as each may be. Guess. */
export const waitingBytesMaxDefault = 64 << 20;
/** Streams are looked into no more often than that, unless there is too much already. */
const lookEveryMs = 1_000;

export interface WaitingConnection {
  readonly writeBufferLength: number;
  abort(error: Error): void;
}

/** Of a connection: its streams, and what waits in each. */
export type StreamsOf = () => Iterable<{ readonly writeBufferLength: number }>;

interface Waiting {
  readonly streams: StreamsOf;
  /** As of when it was looked at last. */
  bytes: number;
}

export class WaitingBytes {
  readonly #bytesMax: number;
  readonly #nowMs: () => number;
  readonly #waiting = new Map<WaitingConnection, Waiting>();
  #bytes = 0;
  #lookedAtMs = 0;

  /** `nowMs`: of a clock that never goes back. */
  constructor(bytesMax: number, nowMs: () => number) {
    this.#bytesMax = bytesMax;
    this.#nowMs = nowMs;
  }

  add(connection: WaitingConnection, streams: StreamsOf): void {
    this.#waiting.set(connection, { streams, bytes: 0 });
  }

  remove(connection: WaitingConnection): void {
    this.#bytes -= this.#waiting.get(connection)?.bytes ?? 0;
    this.#waiting.delete(connection);
  }

  /** Something was written to it. */
  wrote(connection: WaitingConnection): void {
    const waiting = this.#waiting.get(connection);
    if (!waiting) return;
    // What waits in its streams is known from when they were looked into.
    this.#note(waiting, Math.max(waiting.bytes, connection.writeBufferLength));
    const nowMs = this.#nowMs();
    if (this.#bytes <= this.#bytesMax && nowMs - this.#lookedAtMs < lookEveryMs) return;
    this.#lookedAtMs = nowMs;
    for (const [each, one] of this.#waiting) this.#note(one, bytesOf(each, one.streams));
    while (this.#bytes > this.#bytesMax) this.#dropWorst();
  }

  #note(waiting: Waiting, bytes: number): void {
    this.#bytes += bytes - waiting.bytes;
    waiting.bytes = bytes;
  }

  #dropWorst(): void {
    const [worst] = [...this.#waiting].sort(([, one], [, other]) => other.bytes - one.bytes);
    const [connection, { bytes }] = worst!;
    this.remove(connection);
    connection.abort(new Error(`too much waits for all peers together, ${bytes} bytes of it for this one`));
  }
}

function bytesOf(connection: WaitingConnection, streams: StreamsOf): number {
  let bytes = connection.writeBufferLength;
  for (const { writeBufferLength } of streams()) bytes += writeBufferLength;
  return bytes;
}
