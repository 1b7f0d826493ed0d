/**
 * Hides a whole peer in what it sends (McMahan et al., "Learning differentially private recurrent language models", 2018, with the noise at each
 * peer, for everybody sees each delta): the residual is clipped to a norm and noise is added to all of its coordinates before any is chosen. How often
 * it was sent is counted with what is sent, and ends with the budget. What was drawn by lot is public, so no privacy is counted for it.
 */

import { isDense } from '../../codec/delta.ts';
import type { Delta } from '../../codec/delta-codec.ts';
import { be32, bytesToHex } from '../../core/bytes.ts';
import type { StoreWrite } from '../../core/io.ts';
import { noiseFor } from '../../math/renyi-accountant.ts';
import type { PeerPrivacySpec } from './schema.ts';

const SENT_KEY = 'self/sent';

/** Adds normal noise of this deviation to each number, of a generator that nobody can foresee. */
type AddNoise = (vector: Float32Array, deviation: number) => void;

/** Deviation of the noise in units of the clip norm; null where none keeps to the budget. */
export function noiseOfPeers({ epsilon, delta, publications }: PeerPrivacySpec): number | null {
  return noiseFor({ epsilon, delta }, 1, publications);
}

export class PrivateSending {
  readonly #spec: PeerPrivacySpec;
  readonly #addNoise: AddNoise;
  readonly #deviation: number;
  #sent = 0;

  /** @throws RangeError where no noise keeps to the budget */
  constructor(spec: PeerPrivacySpec, addNoise: AddNoise) {
    const noise = noiseOfPeers(spec);
    if (noise === null) throw new RangeError('no noise keeps to peerPrivacy');
    this.#spec = spec;
    this.#addNoise = addNoise;
    this.#deviation = noise * spec.clipNorm;
  }

  restore(stored: Iterable<readonly [string, Uint8Array]>): void {
    for (const [key, value] of stored) {
      if (key === SENT_KEY && value.length === 4) this.#sent = Number.parseInt(bytesToHex(value), 16);
    }
  }

  /** @param inLog deltas of ours in the log: an older copy of a directory, or none, knows of fewer */
  isSpent(inLog: number): boolean {
    this.#sent = Math.max(this.#sent, inLog);
    return this.#sent >= this.#spec.publications;
  }

  /** What of the residual may be sent, and the same with noise. */
  protect(residual: Float32Array): { readonly clipped: Float32Array; readonly noisy: Float32Array } {
    this.#sent += 1;
    const norm = Math.sqrt(residual.reduce((sum, value) => sum + value * value, 0));
    const shrink = norm > this.#spec.clipNorm ? this.#spec.clipNorm / norm : 1;
    const clipped = residual.map((value) => shrink * value);
    const noisy = clipped.slice();
    this.#addNoise(noisy, this.#deviation);
    return { clipped, noisy };
  }

  writes(): StoreWrite {
    return { key: SENT_KEY, value: be32(this.#sent) };
  }
}

/** Null where peers are not hidden. @throws Error where they are to be, and nobody gave the noise for it */
export function privateSending(
  spec: PeerPrivacySpec | undefined,
  addNoise: AddNoise | undefined,
): PrivateSending | null {
  if (spec === undefined) return null;
  if (addNoise) return new PrivateSending(spec, addNoise);
  throw new Error('strategy.peerPrivacy needs noise, and this core was given none');
}

/** Takes out of the residual what was sent but for its noise, which would come back as something to be mended. */
export function subtractClean(residual: Float32Array, sent: Delta, clipped: Float32Array): void {
  if (isDense(sent)) for (const at of residual.keys()) residual[at]! -= clipped[at]!;
  else for (const at of sent.indices) residual[at]! -= clipped[at]!;
}
