import { encodeFloat32 } from '../../codec/dense.ts';
import { bytesToHex } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import type { MixingPeer } from './mixing-peer.ts';

/** The model of a peer as others see it: in float32, one object until it changes, hashed once. */
export class ModelView {
  readonly #peer: Pick<MixingPeer, 'model'>;
  readonly #crypto: Crypto;
  #model: Float32Array | null = null;
  #hash: string | null = null;

  constructor(peer: Pick<MixingPeer, 'model'>, crypto: Crypto) {
    this.#peer = peer;
    this.#crypto = crypto;
  }

  /** Not to be modified; the same object until the next `changed`. */
  get current(): Float32Array {
    if (!this.#model) {
      const { model } = this.#peer;
      this.#model = model instanceof Float32Array ? model : Float32Array.from(model);
    }
    return this.#model;
  }

  /** SHA-256 (hex). A screen asks for it more often than a round ends. */
  get hash(): string {
    this.#hash ??= bytesToHex(this.#crypto.sha256(encodeFloat32(this.current)));
    return this.#hash;
  }

  /** Whatever may have changed it must say so. */
  changed(): void {
    this.#model = null;
    this.#hash = null;
  }
}
