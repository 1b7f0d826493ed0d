/** How long to wait before something is tried again. */

/** Bounds of a retry schedule, in milliseconds. */
export interface BackoffBounds {
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * Wait before retry number `attempt` (0 is the first): half of min(maxMs, firstMs * 2^attempt) plus a random
 * half, so that peers that failed together do not come back together ("equal jitter"; Brooker, Exponential
 * Backoff And Jitter, AWS 2015). `random` returns numbers in [0, 1).
 */
export function backoffMs(attempt: number, bounds: BackoffBounds, random: () => number): number {
  const ceiling = Math.min(bounds.maxMs, bounds.firstMs * 2 ** Math.min(attempt, 30));
  return ceiling / 2 + (ceiling / 2) * random();
}
