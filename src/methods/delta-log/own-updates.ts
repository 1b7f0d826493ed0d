/**
 * What our own training of rounds that are not final yet came to, start less end: as bfloat16, for as many rounds as a window has, a vector
 * each, in half the memory. A cosine with it is off by less than a hundredth.
 */
import { forgetOldest } from '../../core/forget-oldest.ts';

/** Rounds that are remembered at most. A window may be longer than anybody wants to pay for. Guess. */
const roundsMax = 16;

export class OwnUpdates {
  readonly #rounds = new Map<number, Uint16Array>();

  note(round: number, start: Float32Array, end: Float32Array): void {
    const kept = new Uint16Array(start.length);
    const value = new Float32Array(1);
    const bits = new Uint32Array(value.buffer);
    for (let i = 0; i < kept.length; i++) {
      value[0] = start[i]! - end[i]!;
      kept[i] = bits[0]! >>> 16;
    }
    this.#rounds.set(round, kept);
    forgetOldest(this.#rounds, roundsMax);
  }

  /** That of the round, and forgets it with all before it; null where there is none. */
  take(round: number): Float32Array | null {
    const kept = this.#rounds.get(round);
    for (const known of this.#rounds.keys()) if (known <= round) this.#rounds.delete(known);
    if (!kept) return null;
    const bits = new Uint32Array(kept.length);
    for (let i = 0; i < kept.length; i++) bits[i] = kept[i]! << 16;
    return new Float32Array(bits.buffer);
  }
}
