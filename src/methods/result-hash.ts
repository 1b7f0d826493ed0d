/** SHA-256 (hex) of what a history comes to: of the vector that is exported, where there is one. Computed once for each history. */
import { bytesToHex } from '../core/bytes.ts';
import type { Crypto } from '../core/crypto.ts';
import type { LogState } from '../log/log-state.ts';
import type { SharedWork } from '../log/shared-work.ts';
import type { LogParts } from './log-parts.ts';

export class ResultHash {
  readonly #resultOf: LogParts['resultOf'];
  readonly #crypto: Crypto;
  readonly #shared: SharedWork | undefined;
  /** Of the history that was asked for last. */
  #last: { readonly round: number; readonly root: Uint8Array; readonly hash: string } | null = null;

  /** @param shared where the result follows from the state of the first kind alone */
  constructor(resultOf: LogParts['resultOf'], crypto: Crypto, shared?: SharedWork) {
    this.#resultOf = resultOf;
    this.#crypto = crypto;
    this.#shared = shared;
  }

  of(state: Readonly<LogState>): string {
    const { round, root, kinds } = state;
    if (this.#last?.round !== round || this.#last.root !== root) {
      const compute = () => bytesToHex(this.#crypto.sha256(this.#resultOf(state)));
      const hash = this.#shared?.once('model-hash', kinds[0] as object, compute) ?? compute();
      this.#last = { round, root, hash };
    }
    return this.#last.hash;
  }
}
