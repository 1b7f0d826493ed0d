/**
 * Which peers an answer of the DHT tells something new of. In a small network each answer names nearly all peers, and the library would write
 * all of them into the peer store and ask the routing table to take them, each time.
 */
import type { PeerInfo } from '@libp2p/interface';
import { forgetOldest } from '../../core/forget-oldest.ts';
import { addressesToldMax } from '../host/bounded-peers.ts';

/** So long the same is no news; a peer that left the peer store or the routing table comes back after that. Guess. */
const oldAfterMs = 30_000;
/** Peers told of lately; guess. */
const peersMax = 1_024;
/** What is longer is told by a stranger alone, and news each time: it is not kept. 32 addresses over relays have less. */
const lengthMax = 8_192;

export class PeerNews {
  /** By peer; the oldest first. */
  readonly #lately = new Map<string, { readonly addresses: string; readonly atMs: number }>();

  /** True unless the peer was told of with the same addresses, and no others since, a moment ago. */
  isNews({ id, multiaddrs }: PeerInfo, nowMs: number): boolean {
    const key = id.toString();
    // Others are not written down either.
    const addresses = multiaddrs.slice(0, addressesToldMax).map(String).sort().join(' ');
    const before = this.#lately.get(key);
    if (before?.addresses === addresses && nowMs - before.atMs < oldAfterMs) return false;
    this.#lately.delete(key);
    if (addresses.length > lengthMax) return true;
    this.#lately.set(key, { addresses, atMs: nowMs });
    forgetOldest(this.#lately, peersMax);
    return true;
  }
}
