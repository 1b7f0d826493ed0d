import type { Clock } from '../../src/core/ports.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';

/** The machine's clock, ahead by what was skipped: for what nodes do after so many seconds. */
export class ShiftedClock implements Clock {
  #aheadMs = 0;

  skip(ms: number): void {
    this.#aheadMs += ms;
  }

  nowMs(): number {
    return wallClock.nowMs() + this.#aheadMs;
  }

  schedule(atMs: number, callback: () => void): () => void {
    return wallClock.schedule(atMs - this.#aheadMs, callback);
  }
}
