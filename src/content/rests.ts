/** Donors that failed: each is left alone for a while, the longer the more often it has failed in a row. */
import { type BackoffBounds, backoffMs } from '../core/backoff.ts';
import { forgetOldest } from '../core/forget-oldest.ts';
import type { PeerKey } from '../core/io.ts';

/** Those that failed last are remembered. Guess. */
const failedMax = 1_024;

interface Rest {
  readonly failures: number;
  readonly untilMs: number;
}

export class Rests {
  readonly #bounds: BackoffBounds;
  readonly #random: () => number;
  /** The one that failed last is last. */
  readonly #rests = new Map<PeerKey, Rest>();

  /** Numbers of `random` lie in [0, 1). */
  constructor(bounds: BackoffBounds, random: () => number) {
    this.#bounds = bounds;
    this.#random = random;
  }

  /** Returns how often in a row it has failed by now: what fails while it rests was asked before, and counts once. */
  failed(peer: PeerKey, nowMs: number): number {
    const { failures = 0 } = this.#rests.get(peer) ?? {};
    if (this.isResting(peer, nowMs)) return failures;
    this.#rests.delete(peer);
    const untilMs = nowMs + backoffMs(failures, this.#bounds, this.#random);
    this.#rests.set(peer, { failures: failures + 1, untilMs });
    forgetOldest(this.#rests, failedMax);
    return failures + 1;
  }

  wentWell(peer: PeerKey): void {
    this.#rests.delete(peer);
  }

  isResting(peer: PeerKey, nowMs: number): boolean {
    const rest = this.#rests.get(peer);
    return rest !== undefined && nowMs < rest.untilMs;
  }
}
