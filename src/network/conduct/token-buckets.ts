/** How much each of many may cost us: what one has spent comes back with time, and who has nothing left has to wait. */

/** Whose bucket was full longest is forgotten first: it has lost nothing by it. */
const namesMax = 1_024;

export interface TokenBucketLimits {
  /** What one that was quiet may spend at once. */
  readonly burst: number;
  readonly perSecond: number;
}

interface Bucket {
  /** May be below zero: what a thing costs is often known when it is done. */
  readonly tokens: number;
  readonly atMs: number;
}

export class TokenBuckets {
  readonly #limits: TokenBucketLimits;
  /** The one that spent last is last. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(limits: TokenBucketLimits) {
    this.#limits = limits;
  }

  spend(name: string, amount: number, nowMs: number): void {
    const tokens = this.#tokensOf(name, nowMs) - amount;
    this.#buckets.delete(name);
    this.#buckets.set(name, { tokens, atMs: nowMs });
    if (this.#buckets.size > namesMax) {
      const [quietest] = this.#buckets.keys();
      this.#buckets.delete(quietest!);
    }
  }

  /** Until something may be spent again; 0 where that is now. */
  waitMs(name: string, nowMs: number): number {
    return Math.max(0, (-this.#tokensOf(name, nowMs) / this.#limits.perSecond) * 1_000);
  }

  /** Spends one where something is left, and says whether: who gets none owes nothing. */
  takes(name: string, nowMs: number): boolean {
    if (this.waitMs(name, nowMs) > 0) return false;
    this.spend(name, 1, nowMs);
    return true;
  }

  /** Spends it, and says how long to wait before: 0 where something was left. */
  waitMsAndSpend(name: string, amount: number, nowMs: number): number {
    const waitMs = this.waitMs(name, nowMs);
    this.spend(name, amount, nowMs);
    return waitMs;
  }

  get size(): number {
    return this.#buckets.size;
  }

  #tokensOf(name: string, nowMs: number): number {
    const { burst, perSecond } = this.#limits;
    const bucket = this.#buckets.get(name);
    return bucket === undefined
      ? burst
      : Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) / 1_000) * perSecond);
  }
}
