/** A node or a bootstrap on a machine of its own: TCP, reachable, a full member of the DHT. */
import { Socket } from 'node:net';
import type { MultiaddrConnection } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import type { ConnectionBytes } from '../host/traffic.ts';
import { gatherWrites } from './gathered-writes.ts';
import type { HostProfile } from './host-profile.ts';

export interface TcpAddresses {
  /** Such as `/ip4/0.0.0.0/tcp/4001`. */
  readonly listen: readonly string[];
  /** Where others find it when that is not where it listens; such as `/dns4/node.example.org/tcp/4001`. */
  readonly announce?: readonly string[];
}

export function tcpProfile({ listen, announce = [] }: TcpAddresses): HostProfile {
  return {
    listen,
    announce,
    transports: [tcp()],
    services: {},
    neighbours: [],
    protector: null,
    discovery: 'dht-server',
    opened: (connection) => {
      const socket = socketOf(connection);
      if (socket) gatherWrites(socket);
    },
    bytesOf: socketBytes,
  };
}

function socketOf(connection: MultiaddrConnection): Socket | null {
  return 'socket' in connection && connection.socket instanceof Socket ? connection.socket : null;
}

/** The kernel-side counters of the socket are exact and cost nothing per packet. */
function socketBytes(connection: MultiaddrConnection): ConnectionBytes | null {
  const socket = socketOf(connection);
  if (!socket) return null;
  return {
    read: () => ({ bytesIn: socket.bytesRead, bytesOut: socket.bytesWritten }),
    onceClosed: (callback) => socket.once('close', callback),
  };
}
