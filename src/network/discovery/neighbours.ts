/**
 * Hosts that are shown on the local network are dialled: whether they are in a run of ours, or know who is, they then
 * tell. libp2p itself notes their addresses and dials nobody.
 */
import type { Libp2p, PeerInfo } from '@libp2p/interface';
import type { Libp2pInit } from 'libp2p';

type DiscoveryFactory = NonNullable<Libp2pInit['peerDiscovery']>[number];

/** With so many connections there is somebody to ask already. Guess. */
const connectionsEnough = 16;
const DIAL_TIMEOUT_MS = 5_000;

/** The same factories, whose finds are dialled by the host of `libp2p`. What stays there is shown time and again, so nothing is tried twice here. */
export function greeting(factories: readonly DiscoveryFactory[], libp2p: () => Libp2p): DiscoveryFactory[] {
  return factories.map((create) => (components) => {
    const made = create(components);
    made.addEventListener('peer', ({ detail }) => void greet(libp2p(), detail));
    return made;
  });
}

async function greet(libp2p: Libp2p, { id, multiaddrs }: PeerInfo): Promise<void> {
  if (libp2p.status !== 'started' || libp2p.getConnections().length >= connectionsEnough) return;
  if (id.equals(libp2p.peerId) || libp2p.getConnections(id).length > 0) return;
  const addresses = multiaddrs.map((address) => address.encapsulate(`/p2p/${id}`));
  await libp2p.dial(addresses, { signal: AbortSignal.timeout(DIAL_TIMEOUT_MS) }).catch(() => {
    // Gone, or of another network.
  });
}
