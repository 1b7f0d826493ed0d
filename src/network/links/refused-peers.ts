/**
 * Nodes that this host was told to have no connection with, so that people can part a network and see what becomes of it. It is the
 * host that says no: packets come and go as before.
 */
import type { PeerId } from '@libp2p/interface';
import type { PeerKey } from '../../core/io.ts';
import { peerKeyOf } from '../identity.ts';

export class RefusedPeers {
  #keys: ReadonlySet<PeerKey> = new Set();
  #onRefused: (keys: ReadonlySet<PeerKey>) => void = () => {};

  /** `listener` hears whom to cut off. */
  onRefused(listener: (keys: ReadonlySet<PeerKey>) => void): void {
    this.#onRefused = listener;
  }

  /** In place of those before; none: nobody is refused any more. */
  replace(keys: readonly PeerKey[]): void {
    this.#keys = new Set(keys);
    this.#onRefused(this.#keys);
  }

  keys(): readonly PeerKey[] {
    return [...this.#keys];
  }

  isRefused(peer: PeerId): boolean {
    const key = peerKeyOf(peer);
    return key !== null && this.#keys.has(key);
  }
}
