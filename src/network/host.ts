/**
 * The libp2p node: TCP, noise, yamux, identify, ping, a DHT of our own and, for runs, gossip. A bootstrap
 * node is the same host without runs.
 */
import { hash } from 'node:crypto';
import { type GossipSub, type GossipsubOpts, gossipsub, StrictNoSign } from '@libp2p/gossipsub';
import { createTopicScoreParams } from '@libp2p/gossipsub/score';
import { type Identify, type IdentifyPush, identify, identifyPush } from '@libp2p/identify';
import type { Libp2p } from '@libp2p/interface';
import { type KadDHT, kadDHT, passthroughMapper } from '@libp2p/kad-dht';
import { noise } from '@libp2p/noise';
import { type Ping, ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { createLibp2p } from 'libp2p';
import type { PeerKey } from '../core/io.ts';
import type { Identity } from './identity.ts';
import { announcementTopic, KAD_PROTOCOL } from './protocols.ts';
import { createTrafficMeter, type Traffic } from './traffic.ts';

/**
 * Bytes a stream may hold unread. Yamux grows its window up to the second figure, so a larger window than
 * buffer would let a peer overrun a paused stream and get it reset.
 */
const streamBufferBytesMax = 4 << 20;

/**
 * Largest gossip frame, the same at every peer. Above the 64 KiB of one announcement on purpose: gossipsub
 * answers IWANT with many messages in one frame, and a receiver never hears a link again after one frame
 * above its limit. 4 MiB is what a sender can frame at most, so no honest peer can exceed it.
 */
const gossipFrameBytesMax = 4 << 20;

/** Gossip waiting for one slow peer; more resets the stream to it and the watchdog renews the link. */
const gossipOutboundBytesMax = 8 << 20;

export interface HostOptions {
  readonly identity: Identity;
  /** Multiaddrs to listen on, such as `/ip4/0.0.0.0/tcp/4001`; port 0 takes a free one. */
  readonly listen: readonly string[];
  /** Multiaddrs to tell others instead of the listening ones (behind a NAT with a forwarded port). */
  readonly announce?: readonly string[];
  /** The runs this host may gossip about; any where left out. Empty: DHT only, which is all a bootstrap node needs. */
  readonly runIds?: readonly string[];
  readonly connectionsMax?: number;
}

export type HostServices = {
  identify: Identify;
  identifyPush: IdentifyPush;
  ping: Ping;
  dht: KadDHT;
  gossip?: GossipSub;
};

export interface Host {
  readonly key: PeerKey;
  readonly libp2p: Libp2p<HostServices>;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** The full addresses (with `/p2p/...`) others can dial; empty before the start. */
  addresses(): string[];
  /** True bytes over the sockets of this host, since it was created. */
  traffic(): Traffic;
}

/** Builds the node and starts nothing. */
export async function createHost(options: HostOptions): Promise<Host> {
  const meter = createTrafficMeter();
  const libp2p: Libp2p<HostServices> = await createLibp2p<HostServices>({
    start: false,
    privateKey: options.identity.privateKey,
    nodeInfo: { name: 'starlings', userAgent: 'starlings' },
    addresses: { listen: [...options.listen], announce: [...(options.announce ?? [])] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [
      yamux({
        streamOptions: {
          maxStreamWindowSize: streamBufferBytesMax,
          maxReadBufferLength: streamBufferBytesMax,
        },
      }),
    ],
    metrics: () => meter.metrics,
    connectionManager: {
      maxConnections: options.connectionsMax ?? 300,
      // Both defaults (5 a second and host, 10) refuse most dials of peers that share an address.
      inboundConnectionThreshold: 500,
      maxIncomingPendingConnections: 100,
      // What KEEP_ALIVE does; longer outages are ours (links.ts).
      reconnectRetries: 3,
      reconnectRetryInterval: 500,
    },
    services: {
      identify: identify(),
      // Tells peers that are already connected when a run's protocols appear.
      identifyPush: identifyPush(),
      ping: ping(),
      dht: kadDHT({
        protocol: KAD_PROTOCOL,
        // Left undefined it is a client on private addresses, and would hold no records for others.
        clientMode: false,
        peerInfoMapper: passthroughMapper,
      }),
      ...(options.runIds?.length !== 0
        ? { gossip: gossipsub(gossipOptions(options.runIds?.map(announcementTopic))) }
        : {}),
    },
  });

  return {
    key: options.identity.key,
    libp2p,
    start: async () => libp2p.start(),
    stop: async () => libp2p.stop(),
    addresses: () => libp2p.getMultiaddrs().map(String),
    traffic: () => meter.read(),
  };
}

function gossipOptions(topics: readonly string[] | undefined): Partial<GossipsubOpts> {
  return {
    ...(topics === undefined ? {} : { allowedTopics: [...topics] }),
    // Authors sign the envelope inside; a second signature by whoever relays it would say nothing.
    globalSignaturePolicy: StrictNoSign,
    msgIdFn: (message) => hash('sha256', message.data, 'buffer'),
    // Spares duplicates the asynchronous path. Not a cheaper hash: whoever finds two messages with one fast id can silence one with the other.
    fastMsgIdFn: (message) => hash('sha256', message.data ?? new Uint8Array(), 'base64'),
    msgIdToStrFn: (id) => Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('base64'),
    floodPublish: false,
    batchPublish: true,
    fallbackToFloodsub: false,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    emitSelf: false,
    maxInboundDataLength: gossipFrameBytesMax,
    maxOutboundBufferSize: gossipOutboundBytesMax,
    scoreParams: {
      // Ten peers of one lab share an address: measured, the default loses 10 to 19 % of deliveries there.
      IPColocationFactorWeight: 0,
      topics: Object.fromEntries((topics ?? []).map((topic) => [topic, invalidMessagesOnly])),
    },
  };
}

/**
 * Only what the core rejected counts against a peer: five rejects within a minute or so sink it below the
 * graylist threshold of -80. Delivery rates say nothing where a round's announcements come in one burst.
 */
const invalidMessagesOnly = createTopicScoreParams({
  topicWeight: 1,
  timeInMeshWeight: 0,
  firstMessageDeliveriesWeight: 0,
  meshMessageDeliveriesWeight: 0,
  meshFailurePenaltyWeight: 0,
  invalidMessageDeliveriesWeight: -4,
  invalidMessageDeliveriesDecay: 0.98,
});
