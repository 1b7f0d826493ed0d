/** Hosts on the local network, by multicast DNS. */
import { createHash } from 'node:crypto';
import type { Libp2pInit } from 'libp2p';

type DiscoveryFactory = NonNullable<Libp2pInit['peerDiscovery']>[number];

/** A network of its own name: other programs on libp2p are not asked, nor hosts of a network whose key we lack. */
export async function multicastNeighbours(networkKey: Uint8Array | null): Promise<DiscoveryFactory> {
  const { mdns } = await import('@libp2p/mdns');
  return mdns({ serviceTag: `_starlings${networkKey === null ? '' : `-${nameOf(networkKey)}`}._udp.local` });
}

/** Of so much of the hash a key of 32 random bytes is not guessed. */
function nameOf(networkKey: Uint8Array): string {
  return createHash('sha256').update('starlings mdns\0').update(networkKey).digest('hex').slice(0, 16);
}
