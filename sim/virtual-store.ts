import type { StoreWrite } from '../src/core/io.ts';

/** A disk that outlives its process: what was persisted before a crash is there after it. */
export class VirtualStore {
  readonly #entries = new Map<string, Uint8Array>();

  /** One atomic transaction: virtual time does not pass within it. */
  commit(writes: readonly StoreWrite[]): void {
    for (const { key, value } of writes) {
      if (value === null) this.#entries.delete(key);
      else this.#entries.set(key, value);
    }
  }

  /** The disk is a new one. */
  clear(): void {
    this.#entries.clear();
  }

  /** All entries in byte order of their keys. */
  entries(): [string, Uint8Array][] {
    return [...this.#entries].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}
