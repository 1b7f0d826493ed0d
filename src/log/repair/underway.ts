/**
 * Entries that came with gossip a moment ago: others are about to hear of them the same way. Who is told of them by digests as well asks
 * for what is on its way, which costs more than all digests of a quiet network together (docs/LOG.md).
 */

/** What gossip pauses before it forwards (core/gossip-figures.ts), and a line across the world. */
const underwayMs = 300;

export class Underway {
  /** When each came, oldest first. */
  readonly #sinceMs = new Map<string, number>();

  note(id: string, nowMs: number): void {
    for (const [oldest, sinceMs] of this.#sinceMs) {
      if (isRecent(sinceMs, nowMs)) break;
      this.#sinceMs.delete(oldest);
    }
    this.#sinceMs.set(id, nowMs);
  }

  has(id: string, nowMs: number): boolean {
    const sinceMs = this.#sinceMs.get(id);
    return sinceMs !== undefined && isRecent(sinceMs, nowMs);
  }
}

/** Clocks that were set back make nothing recent. */
function isRecent(sinceMs: number, nowMs: number): boolean {
  return nowMs >= sinceMs && nowMs - sinceMs < underwayMs;
}
