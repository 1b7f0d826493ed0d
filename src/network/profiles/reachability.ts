/**
 * AutoNAT: others try our addresses, and we those of others. Whoever asks has us dial: as the library has it, two requests of each connection at
 * a time, each for half a minute of dials one after the other, so that the keys of eight addresses take all places that our own dials wait for.
 */
import type { autoNATv2 } from '@libp2p/autonat-v2';
import type { ServiceFactoryMap } from 'libp2p';

type Factory = ReturnType<typeof autoNATv2>;
type Components = Parameters<Factory>[0];

/** Requests of all peers at a time; more are not answered: there are others to ask. Guess. */
const requestsMaxDefault = 8;

const REQUEST_PROTOCOL = '/libp2p/autonat/2/dial-request';

export async function reachability(
  requestsMax = requestsMaxDefault,
): Promise<ServiceFactoryMap<Record<string, unknown>>> {
  const { autoNATv2: create } = await import('@libp2p/autonat-v2');
  return {
    reachability: (components: Components) =>
      create()(
        Object.create(components, { registrar: { value: bounded(components.registrar, requestsMax) } }),
      ),
  };
}

/** One of a peer at a time, `requestsMax` of all. */
function bounded(registrar: Components['registrar'], requestsMax: number): Components['registrar'] {
  const asking = new Set<string>();
  const handle: Components['registrar']['handle'] = (protocol, handler, options) =>
    registrar.handle(
      protocol,
      protocol !== REQUEST_PROTOCOL
        ? handler
        : async (stream, connection) => {
            const peer = connection.remotePeer.toString();
            if (asking.has(peer) || asking.size >= requestsMax) {
              stream.abort(new Error('this node tries the addresses of others already'));
              return;
            }
            asking.add(peer);
            try {
              await handler(stream, connection);
            } finally {
              asking.delete(peer);
            }
          },
      options,
    );
  return Object.create(registrar, { handle: { value: handle } });
}
