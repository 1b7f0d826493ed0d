/**
 * What a host is on the network: where it listens, what it tells others, over what it talks and how it is
 * found. Everything outside this folder works with whatever a profile brings along and names no transport.
 */
import type { MultiaddrConnection } from '@libp2p/interface';
import type { Libp2pInit, ServiceFactoryMap } from 'libp2p';
import type { ConnectionBytes } from '../host/traffic.ts';

export interface HostProfile {
  /** Multiaddrs to listen on; port 0 takes a free one, `/p2p-circuit` a place at a relay. */
  readonly listen: readonly string[];
  /** Multiaddrs to tell others in place of those it listens on: a forwarded port, a name. Empty: those. */
  readonly announce: readonly string[];
  /** libp2p's factories, the most wanted first. */
  readonly transports: NonNullable<Libp2pInit['transports']>;
  /** Beside those of every host: relaying for others, hole punching, whether we can be reached. */
  readonly services: ServiceFactoryMap<Record<string, unknown>>;
  /** Finds hosts nearby without an address; they are dialled. */
  readonly neighbours: NonNullable<Libp2pInit['peerDiscovery']>;
  /** Keeps out who lacks the key of the network; null where anybody may connect. */
  readonly protector: NonNullable<Libp2pInit['connectionProtector']> | null;
  /** A server holds records for others and must be reachable, so it is none while all reach it over relays; a client only asks. */
  readonly discovery: 'dht-server' | 'dht-client';
  /** Called once with each connection of its transports, before anything goes over it. */
  readonly opened: (connection: MultiaddrConnection) => void;
  /** Counts the bytes of a connection of its transports; null for one that it cannot count. */
  readonly bytesOf: (connection: MultiaddrConnection) => ConnectionBytes | null;
}
