/**
 * A node on a machine of its own, or behind somebody's router. What it does not use is not loaded: a node that
 * listens on this machine alone has TCP and nothing else.
 */
import { networkInterfaces } from 'node:os';
import type { MultiaddrConnection } from '@libp2p/interface';
import { isLoopback, isPrivate } from '@libp2p/utils';
import type { ServiceFactoryMap } from 'libp2p';
import { parsedAddress } from '../host/announced-addresses.ts';
import type { ConnectionBytes } from '../host/traffic.ts';
import { holePunching } from './hole-punching.ts';
import type { HostProfile } from './host-profile.ts';
import { multicastNeighbours } from './multicast.ts';
import { observedAddress } from './observed-address.ts';
import { portMapping } from './port-mapping.ts';
import { networkProtector } from './private-network.ts';
import { reachability } from './reachability.ts';
import { type RelayLimits, relayServer } from './relay-server.ts';
import { RELAY_PLACE, relayTransport } from './relays.ts';
import { type TcpAddresses, tcpProfile } from './tcp.ts';
import { lazyWebSocketTransport, namesWebSocket, webSocketBytes, webSocketTransport } from './web-sockets.ts';

export interface NodeProfileOptions extends TcpAddresses {
  /** Take a place at a relay where nothing says that others can dial us. */
  readonly useRelays: boolean;
  /** Relay for others; null where not. */
  readonly serveRelay: RelayLimits | null;
  /** Ask the router for a port by NAT-PMP, and by UPnP where its package is installed. */
  readonly mapPorts: boolean;
  /** Find others on the local network by multicast DNS. */
  readonly multicastDns: boolean;
  /** 32 bytes that all hosts of a private network know; null for a network that is open to all. */
  readonly networkKey: Uint8Array | null;
}

/** @throws AddressError where it is to listen on what is no address; PackageMissingError */
export async function nodeProfile(options: NodeProfileOptions): Promise<HostProfile> {
  const listen = options.listen.map(parsedAddress);
  const tcp = tcpProfile(options);
  const protector = options.networkKey === null ? null : await networkProtector(options.networkKey);
  const webSockets = listen.some(namesWebSocket) ? await webSocketTransport() : lazyWebSocketTransport();
  const common: HostProfile = {
    ...tcp,
    transports: [...tcp.transports, webSockets],
    protector,
    bytesOf: (connection) => bytesOf(tcp, connection),
  };
  if (listen.every(isLoopback)) return common;
  const relayed = options.useRelays ? [await relayTransport()] : [];
  const takesPlace = options.useRelays && !isReachable(options);
  return {
    ...common,
    listen: [...tcp.listen, ...(takesPlace ? [RELAY_PLACE] : [])],
    transports: [...common.transports, ...relayed],
    services: await services(options),
    neighbours: options.multicastDns ? [await multicastNeighbours(options.networkKey)] : [],
  };
}

async function services(options: NodeProfileOptions): Promise<ServiceFactoryMap<Record<string, unknown>>> {
  return {
    // Public addresses, those of the router's port too, are told to nobody before somebody else could dial them.
    ...(await reachability()),
    ...observedAddress(),
    ...(options.useRelays ? await holePunching() : {}),
    ...(options.serveRelay === null ? {} : await relayServer(options.serveRelay)),
    ...(options.mapPorts ? await portMapping() : {}),
  };
}

/** As far as can be told before anybody tried: somebody wrote down how, or the machine has a public IPv4 address. */
function isReachable({ announce = [] }: TcpAddresses): boolean {
  if (announce.length > 0) return true;
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.some(
    ({ family, address }) => family === 'IPv4' && !isPrivate(parsedAddress(`/ip4/${address}`)),
  );
}

/** Those of a relayed connection are counted with the connection to the relay. */
function bytesOf(tcp: HostProfile, connection: MultiaddrConnection): ConnectionBytes | null {
  return tcp.bytesOf(connection) ?? webSocketBytes(connection);
}
