/**
 * Our own side of the log: the residual of error feedback (Seide 2014, Karimireddy 2019) and the deltas paid for
 * out of it. Whatever is subtracted from the residual is written in the same transaction as the message that
 * carries it.
 */
import type { DeltaCodec } from '../../codec/delta-codec.ts';
import { decodeFloat32, encodeFloat32 } from '../../codec/dense.ts';
import { addDecoded, subtractDecoded } from '../../codec/sparse-sign.ts';
import { absMax, decayAndAdd } from '../../kernels/dense-vectors.ts';
import type { Signer } from '../crypto.ts';
import { type Envelope, type EnvelopeContext, sealEnvelope } from '../envelope.ts';
import type { StoreWrite } from '../io.ts';
import type { LogMessage } from '../log-book.ts';

const RESIDUAL_KEY = 'self/residual';
/** Largest finite float32. */
const float32Max = (2 - 2 ** -23) * 2 ** 127;

export class Author {
  readonly #codec: DeltaCodec;
  readonly #decay: number;
  readonly #context: EnvelopeContext;
  readonly #signer: Signer;
  readonly #residual: Float32Array;

  constructor(options: {
    readonly codec: DeltaCodec;
    readonly decay: number;
    readonly size: number;
    readonly context: EnvelopeContext;
    readonly signer: Signer;
  }) {
    this.#codec = options.codec;
    this.#decay = options.decay;
    this.#context = options.context;
    this.#signer = options.signer;
    this.#residual = new Float32Array(options.size);
  }

  restore(stored: Iterable<readonly [string, Uint8Array]>): void {
    for (const [key, value] of stored) {
      if (key !== RESIDUAL_KEY || value.length !== 4 * this.#residual.length) continue;
      this.#residual.set(decodeFloat32(value, this.#residual.length));
    }
  }

  /** e <- decay e + (start - end). False, and nothing changed, when the end or a sum might not be finite. */
  learn(start: Float32Array, end: Float32Array): boolean {
    const bound = this.#decay * absMax(this.#residual) + absMax(start) + absMax(end);
    if (!(bound <= float32Max)) return false;
    decayAndAdd(this.#residual, this.#decay, start, end);
    return true;
  }

  /** Takes the largest part of the residual into a signed message of `round`. */
  publish(round: number, misses: number): Envelope & { readonly body: Uint8Array } {
    const delta = this.#codec.select(this.#residual);
    const body = this.#codec.encode(delta);
    subtractDecoded(this.#residual, delta);
    return { ...sealEnvelope({ round, misses }, body, this.#context, this.#signer), body };
  }

  /** A message of ours missed its round: what it carried goes back. */
  takeBack(message: LogMessage): void {
    addDecoded(this.#residual, message.delta);
  }

  residualWrite(): StoreWrite {
    return { key: RESIDUAL_KEY, value: encodeFloat32(this.#residual) };
  }
}
