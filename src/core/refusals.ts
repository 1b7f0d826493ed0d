import { type OutputSink, type PeerKey, REFUSAL_REASONS, type RefusalReason } from './io.ts';

/** Counts what was refused and says so: nothing is dropped in silence. */
export class Refusals {
  readonly #counts: Partial<Record<RefusalReason, number>> = {};

  add(out: OutputSink, reason: RefusalReason, from: PeerKey): void {
    this.#counts[reason] = (this.#counts[reason] ?? 0) + 1;
    out.push({ type: 'event', event: { kind: 'refused', reason, from } });
  }

  counts(): Readonly<Record<RefusalReason, number>> {
    const counts = REFUSAL_REASONS.map((reason) => [reason, this.#counts[reason] ?? 0]);
    return Object.fromEntries(counts) as Record<RefusalReason, number>;
  }
}
