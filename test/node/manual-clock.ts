import type { Clock } from '../../src/core/ports.ts';

/** A clock that moves when it is told to, and calls back what became due on the way. */
export class ManualClock implements Clock {
  #nowMs: number;
  readonly #due = new Set<{ readonly atMs: number; readonly callback: () => void }>();

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  schedule(atMs: number, callback: () => void): () => void {
    const entry = { atMs, callback };
    this.#due.add(entry);
    return () => this.#due.delete(entry);
  }

  advanceTo(atMs: number): void {
    for (;;) {
      const next = [...this.#due].filter((entry) => entry.atMs <= atMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (!next) break;
      this.#due.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
    }
    this.#nowMs = atMs;
  }
}
