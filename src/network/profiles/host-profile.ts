/**
 * What a host is on the network: where it listens, what it tells others, over what it talks and how it is
 * found. Everything outside this folder works with whatever a profile brings along and names no transport.
 */
import type { MultiaddrConnection } from '@libp2p/interface';
import type { Libp2pInit, ServiceFactoryMap } from 'libp2p';
import type { ConnectionBytes } from '../traffic.ts';

export interface HostProfile {
  /** Multiaddrs to listen on; port 0 takes a free one. */
  readonly listen: readonly string[];
  /** Multiaddrs to tell others in place of those it listens on: a forwarded port, a name. Empty: those. */
  readonly announce: readonly string[];
  /** libp2p's factories, the most wanted first. */
  readonly transports: NonNullable<Libp2pInit['transports']>;
  /** Services that reserve a place at relays or offer one; their connections are `limited` and carry runs all the same. */
  readonly relay: ServiceFactoryMap<Record<string, unknown>>;
  /** A server holds records for others and must be reachable; a client only asks. */
  readonly discovery: 'dht-server' | 'dht-client';
  /** Counts the bytes of a connection of its transports; null for one that it cannot count. */
  readonly bytesOf: (connection: MultiaddrConnection) => ConnectionBytes | null;
}
