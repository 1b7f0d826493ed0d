import type { Clock } from '../../src/core/ports.ts';

/** How often the clock advances. */
const turnMs = 5;

/**
 * The clock of a run, with a brake: it stands still from `startsAtMs` until it is released, and whenever it is
 * held. A run's start time is part of its id, so a cluster cannot know it before its nodes are linked.
 *
 * Time passes while this process has a processor: each turn of its timer advances the
 * clock, but a turn that other processes delayed counts for little. A slot holds the same work on a busy machine.
 */
export class RunClock implements Clock {
  readonly #scheduled = new Set<{ readonly atMs: number; readonly callback: () => void }>();
  readonly #advanceMaxMs: number;
  #nowMs: number;
  #turns: NodeJS.Timeout | undefined;

  /** A turn advances it by `advanceMaxMs` at most. */
  constructor(startsAtMs: number, advanceMaxMs = 2 * turnMs) {
    this.#nowMs = startsAtMs;
    this.#advanceMaxMs = advanceMaxMs;
  }

  hold(): void {
    clearInterval(this.#turns);
    this.#turns = undefined;
  }

  release(): void {
    let lastMs = performance.now();
    this.#turns ??= setInterval(() => {
      const wallMs = performance.now();
      this.#nowMs += Math.min(wallMs - lastMs, this.#advanceMaxMs);
      lastMs = wallMs;
      this.#callDue();
    }, turnMs).unref();
  }

  nowMs(): number {
    return Math.floor(this.#nowMs);
  }

  schedule(atMs: number, callback: () => void): () => void {
    const entry = { atMs, callback };
    this.#scheduled.add(entry);
    // A time that this clock already shows comes also while it stands.
    if (atMs <= this.nowMs()) setImmediate(() => this.#callDue());
    return () => this.#scheduled.delete(entry);
  }

  #callDue(): void {
    const due = [...this.#scheduled].filter(({ atMs }) => atMs <= this.nowMs());
    for (const entry of due.toSorted((a, b) => a.atMs - b.atMs)) {
      // One of them may have cancelled another.
      if (this.#scheduled.delete(entry)) entry.callback();
    }
  }
}
