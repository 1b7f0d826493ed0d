/**
 * Keeps strangers from filling a log: of each kind of event as many pass as a token bucket allows, and the next
 * that passes says how many did not. What is counted is counted elsewhere; events are for reading.
 */
import type { NetworkEvent } from '../events.ts';
import { TokenBuckets } from './token-buckets.ts';

/** Guesses: a quiet run's every event passes; a flood leaves some 20 MB of log a day for each kind. */
const toldLimits = { burst: 256, perSecond: 2 };

export class EventGate {
  readonly #told = new TokenBuckets(toldLimits);
  readonly #untold = new Map<NetworkEvent['kind'], number>();

  /**
   * The events to tell in place of this one: none, itself, or itself after a note of what went untold. `nowMs`: of a clock that
   * never goes back.
   */
  pass(event: NetworkEvent, nowMs: number): readonly NetworkEvent[] {
    const { kind } = event;
    const untold = this.#untold.get(kind) ?? 0;
    if (!this.#told.takes(kind, nowMs)) {
      this.#untold.set(kind, untold + 1);
      return [];
    }
    this.#untold.delete(kind);
    return untold === 0 ? [event] : [{ kind: 'untold', of: kind, count: untold }, event];
  }
}
