import type { Clock } from '../../src/core/ports.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';

/**
 * The wall clock of a run, with a brake: it stands still from `startsAtMs` until it is released, and whenever
 * it is held. A run's start time is part of its id, so a cluster cannot know it before its nodes are linked.
 */
export class RunClock implements Clock {
  readonly #waiting = new Set<() => void>();
  #state:
    | { readonly kind: 'held'; readonly atMs: number }
    | { readonly kind: 'runs'; readonly aheadMs: number };

  constructor(startsAtMs: number) {
    this.#state = { kind: 'held', atMs: startsAtMs };
  }

  hold(): void {
    this.#state = { kind: 'held', atMs: this.nowMs() };
  }

  release(): void {
    this.#state = { kind: 'runs', aheadMs: this.nowMs() - wallClock.nowMs() };
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const schedule of waiting) schedule();
  }

  nowMs(): number {
    return this.#state.kind === 'held' ? this.#state.atMs : wallClock.nowMs() + this.#state.aheadMs;
  }

  /** What was asked for before a `hold` comes early then; whoever is woken looks at the time and asks again. */
  schedule(atMs: number, callback: () => void): () => void {
    if (this.#state.kind === 'runs') return wallClock.schedule(atMs - this.#state.aheadMs, callback);
    let cancel = (): void => {
      this.#waiting.delete(schedule);
    };
    const schedule = (): void => {
      cancel = this.schedule(atMs, callback);
    };
    this.#waiting.add(schedule);
    return () => cancel();
  }
}
