import { type OutputSink, type PeerKey, REFUSAL_REASONS, type RefusalReason } from './io.ts';

/** Counts what was refused and says so: nothing is dropped in silence. */
export class Refusals {
  readonly #counts: Record<RefusalReason, number>;

  constructor() {
    this.#counts = Object.fromEntries(REFUSAL_REASONS.map((reason) => [reason, 0])) as Record<
      RefusalReason,
      number
    >;
  }

  add(out: OutputSink, reason: RefusalReason, from: PeerKey): void {
    this.#counts[reason] += 1;
    out.push({ type: 'event', event: { kind: 'refused', reason, from } });
  }

  counts(): Readonly<Record<RefusalReason, number>> {
    return { ...this.#counts };
  }
}
