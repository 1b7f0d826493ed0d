/** The `Transport` port of a node over libp2p: discovery, links, gossip and exchange of one run. */

import type { PeerKey } from '../core/io.ts';
import type { Clock, Transport, TransportHandlers } from '../core/ports.ts';
import { type AnnouncementCounts, createAnnouncements } from './announcements.ts';
import { createDiscovery, type DiscoveryTiming } from './discovery.ts';
import type { NetworkEventListener } from './events.ts';
import {
  createExchange,
  defaultExchangeLimits,
  type ExchangeCounts,
  type ExchangeLimits,
} from './exchange.ts';
import type { Host } from './host.ts';
import { createLinks } from './links.ts';
import type { LinkLimits } from './peer-selection.ts';
import type { Traffic } from './traffic.ts';

export interface TransportStats extends Traffic, AnnouncementCounts, ExchangeCounts {
  /** Peers of the run that are up. `bytesIn` and `bytesOut` are those of the whole host. */
  readonly peers: readonly PeerKey[];
}

export interface TransportOptions {
  /** Started by the caller, with `runId` among its runs; the transport does not stop it. */
  readonly host: Host;
  readonly runId: string;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly onEvent?: NetworkEventListener;
  readonly links?: LinkLimits;
  readonly discovery?: DiscoveryTiming;
  readonly exchange?: Partial<ExchangeLimits>;
}

export interface NetworkTransport extends Transport {
  stats(): TransportStats;
}

export function createTransport(options: TransportOptions): NetworkTransport {
  const { host, runId, clock, random } = options;
  const onEvent = options.onEvent ?? (() => {});
  let handlers: TransportHandlers | null = null;

  const announcements = createAnnouncements({
    host,
    runId,
    onEvent,
    judge: async (from, bytes) => (handlers === null ? 'ignore' : handlers.announcement(from, bytes)),
  });
  const exchange = createExchange({
    host,
    runId,
    onEvent,
    limits: { ...defaultExchangeLimits, ...options.exchange },
    serve: async (from, bytes) => {
      if (handlers === null) {
        throw new Error('this node is stopping');
      }
      return handlers.request(from, bytes);
    },
  });
  const links = createLinks({
    host,
    runId,
    clock,
    random,
    onEvent,
    ...(options.links === undefined ? {} : { limits: options.links }),
    onPeerUp: (peer) => handlers?.peerUp(peer),
    onPeerDown: (peer) => {
      handlers?.peerDown(peer);
      if (links.peersMissing()) {
        discovery.hurry();
      }
    },
  });
  const discovery = createDiscovery({
    host,
    runId,
    clock,
    random,
    onEvent,
    ...(options.discovery === undefined ? {} : { timing: options.discovery }),
    onPeer: (peer) => links.found(peer),
    peersMissing: () => links.peersMissing(),
  });

  return {
    async start(newHandlers) {
      handlers = newHandlers;
      announcements.start();
      await exchange.start();
      links.start();
      discovery.start();
    },
    async stop() {
      await discovery.stop();
      await links.stop();
      handlers = null;
      await exchange.stop();
      announcements.stop();
    },
    announce: (bytes) => announcements.announce(bytes),
    request: (peer, bytes, wanted) => exchange.request(peer, bytes, wanted),
    stats: () => ({
      ...host.traffic(),
      ...announcements.counts(),
      ...exchange.counts(),
      peers: links.peers(),
    }),
  };
}
