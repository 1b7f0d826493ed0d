/**
 * Dials of peers that alone can answer. Addresses are what a key says of itself, and may be somebody else's: who was not reached there is left
 * in peace for a while, the longer the more often.
 */
import type { Connection, Libp2p } from '@libp2p/interface';
import { reasonOf } from '../../core/as-error.ts';
import { type BackoffBounds, backoffMs } from '../../core/backoff.ts';
import { forgetOldest } from '../../core/forget-oldest.ts';
import type { PeerKey } from '../../core/io.ts';
import { RequestError } from '../errors.ts';
import { peerIdOf } from '../identity.ts';

/** Guess: with slots of a second an auditor tries three times while its word counts. */
const retry: BackoffBounds = { firstMs: 5_000, maxMs: 300_000 };
/** Peers remembered as not reached; the oldest goes first. */
const failedMax = 1_024;

export interface RareDialsOptions {
  readonly libp2p: Pick<Libp2p, 'dial'>;
  readonly nowMs: () => number;
  /** Numbers in [0, 1). */
  readonly random: () => number;
}

export class RareDials {
  readonly #options: RareDialsOptions;
  readonly #failed = new Map<PeerKey, { readonly attempts: number; readonly untilMs: number }>();

  constructor(options: RareDialsOptions) {
    this.#options = options;
  }

  /** At the addresses that are known of it, or that the DHT tells. @throws RequestError */
  async to(peer: PeerKey, signal: AbortSignal): Promise<Connection> {
    const { libp2p, nowMs, random } = this.#options;
    const before = this.#failed.get(peer);
    if (before && nowMs() < before.untilMs) throw notReached(peer, 'it was not reached a moment ago');
    try {
      const connection = await libp2p.dial(peerIdOf(peer), { signal });
      this.#failed.delete(peer);
      return connection;
    } catch (error) {
      const attempts = (before?.attempts ?? 0) + 1;
      this.#failed.delete(peer);
      this.#failed.set(peer, { attempts, untilMs: nowMs() + backoffMs(attempts - 1, retry, random) });
      forgetOldest(this.#failed, failedMax);
      throw notReached(peer, reasonOf(error));
    }
  }
}

function notReached(peer: PeerKey, reason: string): RequestError {
  return new RequestError('NOT_CONNECTED', `peer ${peer} is not connected and cannot be dialled: ${reason}`);
}
