/**
 * Our own side of the log: the residual of error feedback (Seide 2014, Karimireddy 2019) and the deltas paid for
 * out of it. Whatever is subtracted from the residual is written in the same transaction as the entry that
 * carries it.
 */

import { addDelta, subtractDelta } from '../../codec/delta.ts';
import type { DeltaCodec } from '../../codec/delta-codec.ts';
import { decodeFloat32, encodeFloat32 } from '../../codec/dense.ts';
import { be32, bytesToHex, hexToBytes } from '../../core/bytes.ts';
import { forgetOldest } from '../../core/forget-oldest.ts';
import type { StoreWrite } from '../../core/io.ts';
import type { DeltaContent } from '../../entries/delta/delta-state.ts';
import type { LogEntry } from '../../log/entry-kind.ts';
import { addScaled } from '../../math/vector.ts';
import { learnInto, residualKey } from '../error-feedback.ts';
import { type PrivateSending, subtractClean } from './private-sending.ts';

const RETURNED_KEY = 'self/returned';
const CHANGES_KEY = 'self/changes';
/** Deltas remembered as taken back; the oldest goes first. */
const returnedMax = 256;
const notWorthASending =
  'cut short: what was learned is kept, for each sending costs of the privacy budget of this peer';
const peerBudgetSpent = 'the privacy budget of this peer is spent: it publishes nothing more';

export class Author {
  readonly #codec: DeltaCodec;
  readonly #decay: number;
  readonly #headStart: number;
  readonly #residual: Float32Array;
  /** Null where peers are not hidden. */
  readonly #hiding: PrivateSending | null;
  /** Ids of deltas whose content went back into the residual. */
  readonly #returned = new Set<string>();
  #changes = 0;
  /** Of the residual as it is; null once that has changed. Written, hashed and shown: the same bytes, never modified. */
  #bytes: Uint8Array | null = null;

  constructor(options: {
    readonly codec: DeltaCodec;
    readonly decay: number;
    /** In [0, 1]. */
    readonly headStart: number;
    readonly size: number;
    readonly hiding?: PrivateSending | null;
  }) {
    this.#codec = options.codec;
    this.#decay = options.decay;
    this.#headStart = options.headStart;
    this.#residual = new Float32Array(options.size);
    this.#hiding = options.hiding ?? null;
  }

  restore(stored: readonly (readonly [string, Uint8Array])[]): void {
    this.#hiding?.restore(stored);
    for (const [key, value] of stored) {
      if (key === RETURNED_KEY) {
        for (let at = 0; at + 32 <= value.length; at += 32)
          this.#returned.add(bytesToHex(value.subarray(at, at + 32)));
      }
      if (key === CHANGES_KEY && value.length === 4) this.#changes = Number.parseInt(bytesToHex(value), 16);
      if (key !== residualKey || value.length !== 4 * this.#residual.length) continue;
      this.become(value);
    }
  }

  /** How often something was learned, or a delta of ours went back into the residual or out of it again. */
  get changes(): number {
    return this.#changes;
  }

  /** The residual as little-endian float32. */
  toBytes(): Uint8Array {
    this.#bytes ??= encodeFloat32(this.#residual);
    return this.#bytes;
  }

  /** Nothing is left to send. */
  reset(): void {
    this.#bytes = null;
    this.#residual.fill(0);
    this.#changes += 1;
  }

  /** As it was when it gave these bytes. @throws CodecError for those of another size, or of no finite values */
  become(residual: Uint8Array): void {
    this.#bytes = null;
    this.#residual.set(decodeFloat32(residual, this.#residual.length));
  }

  /** Where our training starts on this model: ahead of it by a share of what we could not send yet. */
  startFrom(model: Float32Array): Float32Array {
    if (this.#headStart === 0) return model;
    const start = model.slice();
    addScaled(start, -this.#headStart, this.#residual);
    return start;
  }

  /** As `learnInto`. */
  learn(start: Float32Array, end: Float32Array): boolean {
    if (!learnInto(this.#residual, this.#decay, start, end)) return false;
    this.#bytes = null;
    this.#changes += 1;
    return true;
  }

  /** Null where something may be sent. @param inLog deltas of ours that the log has @param isCut of a round that was not trained to its end */
  whyNotSend(inLog: number, isCut: boolean): string | null {
    if (!this.#hiding) return null;
    if (this.#hiding.isSpent(inLog)) return peerBudgetSpent;
    return isCut ? notWorthASending : null;
  }

  /** Takes the largest part out of the residual; returns the body that carries it. */
  pay(): Uint8Array {
    this.#bytes = null;
    if (this.#hiding) {
      const { clipped, noisy } = this.#hiding.protect(this.#residual);
      const sent = this.#codec.select(noisy);
      subtractClean(this.#residual, sent, clipped);
      return this.#codec.encode(sent);
    }
    const delta = this.#codec.select(this.#residual);
    subtractDelta(this.#residual, delta);
    return this.#codec.encode(delta);
  }

  /** A delta of ours missed its round: what it carried goes back. */
  takeBack({ id, content }: LogEntry<DeltaContent>): void {
    // It would be sent again, noise and all, and be paid for again.
    if (this.#hiding) return;
    this.#bytes = null;
    addDelta(this.#residual, content.delta);
    this.#changes += 1;
    this.#returned.add(id);
    forgetOldest(this.#returned, returnedMax);
  }

  /**
   * A delta of ours that was taken back stands in the log after all, for the peers kept it: what it carries leaves the
   * residual again. False for any other.
   */
  payAgain({ id, content }: LogEntry<DeltaContent>): boolean {
    if (!this.#returned.delete(id)) return false;
    this.#bytes = null;
    subtractDelta(this.#residual, content.delta);
    this.#changes += 1;
    return true;
  }

  /** What a restart must find. */
  writes(): StoreWrite[] {
    const returned = new Uint8Array(32 * this.#returned.size);
    [...this.#returned].forEach((id, index) => {
      returned.set(hexToBytes(id), 32 * index);
    });
    return [
      { key: residualKey, value: this.toBytes() },
      { key: CHANGES_KEY, value: this.#changes > 0 ? be32(this.#changes) : null },
      { key: RETURNED_KEY, value: returned.length > 0 ? returned : null },
      ...(this.#hiding ? [this.#hiding.writes()] : []),
    ];
  }
}
