/**
 * A host that all others reach over relays alone holds no records for them: the DHT does not speak over relays, and
 * whoever asked it would wait in vain.
 */
import type { Libp2p } from '@libp2p/interface';
import type { KadDHT } from '@libp2p/kad-dht';
import { isPrivate } from '@libp2p/utils';
import type { Multiaddr } from '@multiformats/multiaddr';
import { isRelayed } from '../host/announced-addresses.ts';

export function serveWhileReachable(libp2p: Libp2p<{ dht: KadDHT }>): void {
  libp2p.addEventListener('self:peer:update', () => {
    const mode = isReachedOverRelaysAlone(libp2p.getMultiaddrs()) ? 'client' : 'server';
    // Refused only while the host is going down.
    libp2p.services.dht.setMode(mode).catch(() => {});
  });
}

/** Private addresses count for nothing where there is a relay: who takes a place at one has neighbours elsewhere. */
export function isReachedOverRelaysAlone(addresses: readonly Multiaddr[]): boolean {
  return (
    addresses.some(isRelayed) &&
    addresses.filter((address) => !isRelayed(address)).every((address) => isPrivate(address))
  );
}
