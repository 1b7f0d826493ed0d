/**
 * DCUtR: a direct connection in place of one over a relay. Both sides dial what the other says, before all else that waits: as the library has it for
 * whoever opens a stream, over a relay or not, at names too, which lead where their owner likes.
 */
import { CODE_DNS, CODE_DNS4, CODE_DNS6, CODE_DNSADDR, type Multiaddr } from '@multiformats/multiaddr';
import type { Libp2pInit, ServiceFactoryMap } from 'libp2p';
import { isRelayed } from '../host/announced-addresses.ts';

type Components = Parameters<NonNullable<Libp2pInit['transports']>[number]>[0];

/** Dials at a time; more are given up, and what goes over a relay stays there. Guess. */
const dialsMaxDefault = 8;
const nameCodes: readonly number[] = [CODE_DNS, CODE_DNS4, CODE_DNS6, CODE_DNSADDR];

export async function holePunching(
  dialsMax = dialsMaxDefault,
): Promise<ServiceFactoryMap<Record<string, unknown>>> {
  const { dcutr } = await import('@libp2p/dcutr');
  return {
    holePunching: (components: Components) => {
      const { connectionManager, registrar, transportManager } = components;
      return dcutr()(
        Object.create(components, {
          connectionManager: {
            value: {
              openConnection: fewAtATime(connectionManager.openConnection.bind(connectionManager), dialsMax),
            },
          },
          registrar: { value: overRelays(registrar) },
          transportManager: {
            value: {
              dialTransportForMultiaddr: (address: Multiaddr) =>
                isNamed(address) ? undefined : transportManager.dialTransportForMultiaddr(address),
            },
          },
        }),
      );
    },
  };
}

/** What goes beyond fails at once. */
export function fewAtATime<Given extends readonly unknown[], T>(
  act: (...given: Given) => Promise<T>,
  max: number,
): (...given: Given) => Promise<T> {
  let underWay = 0;
  return async (...given) => {
    if (underWay >= max) throw new Error('this node makes direct connections for others already');
    underWay++;
    try {
      return await act(...given);
    } finally {
      underWay--;
    }
  };
}

/** Who is connected directly has nothing to ask for. */
function overRelays(registrar: Components['registrar']): Components['registrar'] {
  const handle: Components['registrar']['handle'] = (protocol, handler, options) =>
    registrar.handle(
      protocol,
      async (stream, connection) => {
        if (isRelayed(connection.remoteAddr)) await handler(stream, connection);
        else stream.abort(new Error('this connection is direct already'));
      },
      options,
    );
  return Object.create(registrar, { handle: { value: handle } });
}

function isNamed(address: Multiaddr): boolean {
  return address.getComponents().some(({ code }) => nameCodes.includes(code));
}
