/**
 * The trace hash: SHA-256 over a 64-byte record of every dispatched event. Two runs with one trace hash did
 * the same things in the same order at the same virtual times, with the same bytes in every message and
 * every trained vector.
 */
import { createHash } from 'node:crypto';
import type { Digest } from './digest.ts';
import { eventCodes, type SimEvent } from './sim-event.ts';

/** time (f64), sequence (f64), detail (f64), peer (u32), kind (u8), 3 bytes of zero, digest (32 bytes); little-endian. */
const recordBytes = 64;
const recordsPerFlush = 1024;

export class Trace {
  readonly #hash = createHash('sha256');
  readonly #buffer = new Uint8Array(recordBytes * recordsPerFlush);
  readonly #view = new DataView(this.#buffer.buffer);
  #used = 0;
  #events = 0;

  get events(): number {
    return this.#events;
  }

  /** `digest`: SHA-256 of the payload, where there is one; `detail`: a number that tells events of a kind apart. */
  record(timeUs: number, sequence: number, event: SimEvent, digest: Digest | null, detail: number): void {
    if (this.#used === this.#buffer.length) this.#flush();
    const at = this.#used;
    const buffer = this.#buffer;
    const view = this.#view;
    view.setFloat64(at, timeUs, true);
    view.setFloat64(at + 8, sequence, true);
    view.setFloat64(at + 16, detail, true);
    view.setUint32(at + 24, event.peer, true);
    view.setUint32(at + 28, eventCodes[event.kind], true);
    // A loop, as a call out of the engine would cost more for 32 bytes.
    for (let i = 0; i < 32; i++) buffer[at + 32 + i] = digest === null ? 0 : digest.charCodeAt(i);
    this.#used += recordBytes;
    this.#events++;
  }

  /** The hash of all records so far, as hexadecimal digits. */
  digest(): string {
    this.#flush();
    return this.#hash.copy().digest('hex');
  }

  #flush(): void {
    this.#hash.update(this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }
}
