/**
 * Keeps strangers from filling a log: of each kind of event as many pass as a token bucket allows, and the next
 * that passes says how many did not. What is counted is counted elsewhere; events are for reading.
 */
import type { NetworkEvent } from '../events.ts';

/** Guesses: a quiet run's every event passes; a flood leaves some 20 MB of log a day for each kind. */
const BURST_MAX = 256;
const PER_SECOND = 2;

interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
  readonly untold: number;
}

export class EventGate {
  readonly #buckets = new Map<NetworkEvent['kind'], Bucket>();

  /** The events to tell in place of this one: none, itself, or itself after a note of what went untold. */
  pass(event: NetworkEvent, nowMs: number): readonly NetworkEvent[] {
    const bucket = this.#buckets.get(event.kind) ?? { tokens: BURST_MAX, atMs: nowMs, untold: 0 };
    const gained = (Math.max(0, nowMs - bucket.atMs) / 1_000) * PER_SECOND;
    const tokens = Math.min(BURST_MAX, bucket.tokens + gained);
    if (tokens < 1) {
      this.#buckets.set(event.kind, { tokens, atMs: nowMs, untold: bucket.untold + 1 });
      return [];
    }
    this.#buckets.set(event.kind, { tokens: tokens - 1, atMs: nowMs, untold: 0 });
    return bucket.untold === 0 ? [event] : [{ kind: 'untold', of: event.kind, count: bucket.untold }, event];
  }
}
