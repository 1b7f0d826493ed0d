/** Circuit relay v2: a place at a relay for who cannot be dialled. */
import type { Libp2pEvents } from '@libp2p/interface';
import type { Libp2pInit } from 'libp2p';

type TransportFactory = NonNullable<Libp2pInit['transports']>[number];
type Components = Parameters<TransportFactory>[0];

/** What listens on it takes a place at the first relay that is met. */
export const RELAY_PLACE = '/p2p-circuit';

/**
 * To dial over relays, and to take places at them. As it comes it walks the DHT at random and dials whomever it
 * meets for as long as it has no place, in a network without relays for ever; here it takes places at hosts that we
 * are connected to anyway.
 */
export async function relayTransport(): Promise<TransportFactory> {
  const { circuitRelayTransport } = await import('@libp2p/circuit-relay-v2');
  const create = circuitRelayTransport();
  return (components) =>
    create(
      Object.create(components, {
        randomWalk: { value: { walk: walkNowhere } },
        events: { value: withoutDiscovery(components.events) },
      }),
    );
}

async function* walkNowhere(): AsyncGenerator<never> {}

/** The events of a host, but for those of hosts that were found and not met. */
function withoutDiscovery(
  events: Components['events'],
): Pick<Components['events'], 'addEventListener' | 'removeEventListener'> {
  return {
    addEventListener: (...given: Parameters<Components['events']['addEventListener']>) => {
      const type: keyof Libp2pEvents = given[0];
      if (type !== 'peer:discovery') events.addEventListener(...given);
    },
    removeEventListener: (...given: Parameters<Components['events']['removeEventListener']>) =>
      events.removeEventListener(...given),
  };
}
