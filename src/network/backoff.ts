import { type BackoffBounds, backoffMs } from '../core/backoff.ts';

/** As many attempts is one in vain: it says that there is nothing new to be had so soon. Guess. */
const vainSteps = 2;

/** The pauses between attempts of something that is repeated for ever, the longer the more there were. */
export class GrowingPauses {
  readonly #bounds: BackoffBounds;
  readonly #vainMaxMs: number;
  readonly #random: () => number;
  #attempts = 0;

  /** `vainMaxMs`: what the pause after an attempt in vain may grow to; numbers of `random` lie in [0, 1). */
  constructor(bounds: BackoffBounds, vainMaxMs: number, random: () => number) {
    this.#bounds = bounds;
    this.#vainMaxMs = Math.max(bounds.maxMs, vainMaxMs);
    this.#random = random;
  }

  /** Begins anew: something has changed. */
  reset(): void {
    this.#attempts = 0;
  }

  /** What to wait after an attempt, in ms. */
  after(isVain: boolean): number {
    const { firstMs, maxMs } = this.#bounds;
    const pauseMs = backoffMs(
      this.#attempts,
      { firstMs, maxMs: isVain ? this.#vainMaxMs : maxMs },
      this.#random,
    );
    this.#attempts += isVain ? vainSteps : 1;
    return pauseMs;
  }
}

/** `intervalMs` give or take `share` of it, so that peers that started together drift apart. */
export function jitteredMs(intervalMs: number, random: () => number, share = 0.2): number {
  return intervalMs * (1 - share + 2 * share * random());
}
