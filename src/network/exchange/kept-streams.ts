/**
 * Streams whose request was answered and that may carry the next one: opening a stream takes as many bytes as a small request and its
 * answer have together, and as much time as half a segment (docs/LOG.md). A few for each connection, for a while.
 */
import type { Connection, Stream } from '@libp2p/interface';
import { endStream } from './stream-io.ts';

/** Shorter than a server waits for the next request (limits.ts), so that none is written into a stream that ends. */
const keptMs = 30_000;
/** Of one connection: as many segments as are asked of one donor at a time. */
const keptMax = 6;

interface Kept {
  readonly stream: Stream;
  readonly letGo: () => void;
}

export class KeptStreams {
  /** The one used last is last. */
  readonly #kept = new Map<Connection, Kept[]>();
  readonly #graceMs: number;

  /** `graceMs`: what the other side has for ending a stream that we have ended. */
  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** A stream that was kept for the connection, which is the caller's from now on: that which was used last, so that others end. */
  take(connection: Connection): Stream | null {
    for (let kept = this.#of(connection).at(-1); kept; kept = this.#of(connection).at(-1)) {
      kept.letGo();
      if (canCarryMore(kept.stream)) return kept.stream;
      kept.stream.abort(new Error('something came that nobody asked for'));
    }
    return null;
  }

  #of(connection: Connection): readonly Kept[] {
    return this.#kept.get(connection) ?? [];
  }

  /** Keeps the stream or ends it. */
  put(connection: Connection, stream: Stream): void {
    if (this.#of(connection).length >= keptMax || !canCarryMore(stream)) {
      endStream(stream, this.#graceMs);
      return;
    }
    const over = (): void => {
      letGo();
      endStream(stream, this.#graceMs);
    };
    const timer = setTimeout(over, keptMs).unref();
    const letGo = (): void => {
      clearTimeout(timer);
      stream.removeEventListener('remoteCloseWrite', over);
      stream.removeEventListener('close', letGo);
      const others = this.#of(connection).filter((kept) => kept.stream !== stream);
      if (others.length > 0) this.#kept.set(connection, others);
      else this.#kept.delete(connection);
    };
    stream.addEventListener('remoteCloseWrite', over);
    stream.addEventListener('close', letGo);
    this.#kept.set(connection, [...this.#of(connection), { stream, letGo }]);
  }

  endAll(): void {
    for (const { stream, letGo } of [...this.#kept.values()].flat()) {
      letGo();
      endStream(stream, this.#graceMs);
    }
  }
}

/** Both ends are open and nothing is under way. */
function canCarryMore(stream: Stream): boolean {
  return (
    stream.status === 'open' &&
    stream.writeStatus === 'writable' &&
    stream.remoteWriteStatus === 'writable' &&
    stream.readBufferLength === 0
  );
}
