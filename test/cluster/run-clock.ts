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
    for (const wait of waiting) wait();
  }

  nowMs(): number {
    return this.#state.kind === 'held' ? this.#state.atMs : wallClock.nowMs() + this.#state.aheadMs;
  }

  schedule(atMs: number, callback: () => void): () => void {
    let cancel = (): void => {};
    const wait = (): void => {
      // A time that this clock already shows comes also while it stands.
      if (this.#state.kind === 'runs') cancel = wallClock.schedule(atMs - this.#state.aheadMs, look);
      else if (atMs <= this.#state.atMs) cancel = wallClock.schedule(wallClock.nowMs(), look);
      else {
        this.#waiting.add(wait);
        cancel = () => this.#waiting.delete(wait);
      }
    };
    // It may have been held, and released, since the time was asked for.
    const look = (): void => {
      if (this.nowMs() >= atMs) callback();
      else wait();
    };
    wait();
    return () => cancel();
  }
}
