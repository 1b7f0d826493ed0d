/**
 * The libp2p node: what its profile brings along, noise, a multiplexer, identify, ping, a DHT of our own and gossip.
 * It is made without runs; they join and leave while it is up (transport.ts). A bootstrap node is the same
 * host and carries none.
 */
import { type GossipSub, gossipsub } from '@libp2p/gossipsub';
import { type Identify, type IdentifyPush, identify } from '@libp2p/identify';
import type { Libp2p, PeerId } from '@libp2p/interface';
import { type KadDHT, passthroughMapper } from '@libp2p/kad-dht';
import { noise } from '@libp2p/noise';
import { type Ping, ping } from '@libp2p/ping';
import type { Multiaddr } from '@multiformats/multiaddr';
import { createLibp2p, type Libp2pInit, type ServiceFactoryMap } from 'libp2p';
import type { PeerKey } from '../../core/io.ts';
import { type OriginOf, Origins, publicOrigin } from '../conduct/origins.ts';
import { Reputation } from '../conduct/reputation.ts';
import { boundedDht } from '../discovery/bounded-dht.ts';
import { HostDatastore } from '../discovery/host-datastore.ts';
import { greeting } from '../discovery/neighbours.ts';
import type { PeerRecordLimits } from '../discovery/peer-records.ts';
import { serveWhileReachable } from '../discovery/serve-while-reachable.ts';
import { AddressError, RecordRefusedError } from '../errors.ts';
import { Gossip } from '../gossip/gossip.ts';
import { type Identity, peerIdOf } from '../identity.ts';
import { ConnectionHolders } from '../links/connection-holders.ts';
import { followConnections } from '../links/follow-connections.ts';
import { RefusedPeers } from '../links/refused-peers.ts';
import { dialOrder } from '../profiles/dial-order.ts';
import type { HostProfile } from '../profiles/host-profile.ts';
import { KAD_PROTOCOL } from '../protocols.ts';
import { announcedAddresses, parsedAddress, withoutPrivateRelays } from './announced-addresses.ts';
import { boundPeers } from './bounded-peers.ts';
import { connectionsMaxDefault, connectionsPerAddressMaxDefault } from './connections-max.ts';
import { HostReadings, type NetworkReadings } from './host-readings.ts';
import { defaultMuxerLimits, muxer } from './muxer.ts';
import { pacedPush } from './paced-push.ts';
import { patientDials } from './patient-dials.ts';
import { createTrafficMeter, type Traffic, type TrafficMeter } from './traffic.ts';
import { UntriedAddresses } from './untried-addresses.ts';
import { WaitingBytes, waitingBytesMaxDefault } from './waiting-bytes.ts';

/**
 * Bytes a stream may hold unread. Yamux grows its window up to the second figure, so a larger window than
 * buffer would let a peer overrun a paused stream and get it reset.
 */
const streamBufferBytesMax = 4 << 20;

/** Identify lists a name of a hundred bytes for each run; at libp2p's 8 KiB a host of eighty runs is unknown to all. */
const identifyBytesMax = 32 << 10;

/** A handshake across the world takes one second; what swallows packets must leave time for the next address. */
const addressDialTimeoutMs = 3_000;
/** By the clock, however little of it we have listened. */
const addressDialMaxMs = 30_000;
/**
 * libp2p asks each connection so often whether it lives, from both ends, each time on a new stream: every 10 s, its default, they are half of
 * what a finished node costs. Runs notice earlier, by what is not answered.
 */
const pingIntervalMs = 30_000;

export interface HostOptions {
  readonly identity: Identity;
  readonly profile: HostProfile;
  /** Whether runs may join; true where not given. A bootstrap node carries none and does without gossip. */
  readonly carriesRuns?: boolean;
  readonly connectionsMax?: number;
  /** Of these, such as come in from one address. */
  readonly connectionsPerAddressMax?: number;
  /** Of peers that are not connected, what is remembered; as `peer-records.ts` says where not given. */
  readonly peerRecords?: PeerRecordLimits;
  /** What may wait for peers that do not read it, of all connections together; `waitingBytesMaxDefault` where not given. */
  readonly waitingBytesMax?: number;
  /** What counts as one place; `publicOrigin` where not given. */
  readonly originOf?: OriginOf;
}

export type HostServices = {
  identify: Identify;
  identifyPush: IdentifyPush;
  ping: Ping;
  dht: KadDHT;
  gossip?: GossipSub;
  untried: UntriedAddresses;
};

export interface Host {
  readonly key: PeerKey;
  readonly libp2p: Libp2p<HostServices>;
  /** Of all runs; only where the host carries runs. */
  readonly gossip: Gossip;
  readonly holders: ConnectionHolders;
  /** Of all peers, whatever the run. */
  readonly reputation: Reputation;
  readonly origins: Origins;
  /** With whom it was told to have no connection. */
  readonly refused: RefusedPeers;
  start(): Promise<void>;
  /** Runs must have left. */
  stop(): Promise<void>;
  /** The full addresses (with `/p2p/...`) others can dial: the announced ones, else those it listens on; empty before the start. */
  addresses(): string[];
  /** Public ones of this machine that nobody has dialled yet, and that no peer is told. */
  untried(): string[];
  /** Both: where somebody may reach it, as far as can be told. */
  possibleAddresses(): string[];
  /** Bytes over the connections of this host, all runs and the DHT together, since it was created. */
  traffic(): Traffic;
  /** What libp2p says of itself. */
  readings(): Promise<NetworkReadings>;
}

/**
 * Builds the node and starts nothing.
 * @throws AddressError where the profile listens on or announces what is no address, or what nobody could dial
 */
export async function createHost(options: HostOptions): Promise<Host> {
  const { identity, profile } = options;
  const self = peerIdOf(identity.key).toString();
  const announced = announcedAddresses(profile.announce, self);
  for (const text of profile.listen) {
    parsedAddress(text);
  }
  const readings = new HostReadings();
  const meter = createTrafficMeter(readings, profile.bytesOf);
  const originOf = (peer: string): string | null => (peer === self ? null : origins.ofProvider(peer));
  const datastore = new HostDatastore(originOf, options.peerRecords);
  const nowMs = (): number => performance.now();
  const reputation = new Reputation(nowMs);
  const refused = new RefusedPeers();
  const origins = new Origins(
    options.originOf ?? publicOrigin,
    (peer) => libp2p.getConnections(peer),
    options.connectionsPerAddressMax ?? connectionsPerAddressMaxDefault,
  );
  const gossip = new Gossip({ reputation, origins, nowMs, random: Math.random });
  const libp2p: Libp2p<HostServices> = await createLibp2p<HostServices>({
    start: false,
    privateKey: identity.privateKey,
    nodeInfo: { name: 'starlings', userAgent: 'starlings' },
    addresses: {
      listen: [...profile.listen],
      announce: [...profile.announce],
      announceFilter: withoutPrivateRelays,
    },
    datastore,
    connectionGater: gater(reputation, origins, refused),
    peerDiscovery: greeting(profile.neighbours, () => libp2p),
    ...connectionParts(options, meter, readings),
    services: {
      ...profile.services,
      ...services(profile, (options.carriesRuns ?? true) ? gossip : null),
    },
  });
  boundPeers(libp2p.peerStore);
  datastore.peerConnected(libp2p.peerId);
  libp2p.addEventListener('peer:connect', ({ detail }) => datastore.peerConnected(detail));
  libp2p.addEventListener('peer:disconnect', ({ detail }) => datastore.peerDisconnected(detail));
  reputation.onOutcast((peer) => cutOff(libp2p, peer, 'too much of what came from there was refused'));
  refused.onRefused(() => {
    const cut = libp2p.getPeers().filter((peer) => refused.isRefused(peer));
    for (const peer of cut) cutOff(libp2p, peer, 'this node was told to refuse that one');
  });
  await refuseUndialable(libp2p, announced);
  if (libp2p.services.gossip !== undefined) {
    gossip.over(libp2p.services.gossip);
  }
  followConnections(libp2p, nowMs);
  if (profile.discovery === 'dht-server') serveWhileReachable(libp2p);
  return {
    key: identity.key,
    libp2p,
    gossip,
    holders: new ConnectionHolders(),
    reputation,
    origins,
    refused,
    start: async () => libp2p.start(),
    stop: async () => libp2p.stop(),
    ...addressesOf(libp2p),
    traffic: () => meter.read(),
    readings: () => readings.read(gossip.topics()),
  };
}

function addressesOf(libp2p: Host['libp2p']): Pick<Host, 'addresses' | 'untried' | 'possibleAddresses'> {
  const addresses = () => libp2p.getMultiaddrs().map(String);
  const untried = () => libp2p.services.untried.list();
  return { addresses, untried, possibleAddresses: () => [...addresses(), ...untried()] };
}

/** Without a word: who floods us would not read it either. */
function cutOff(libp2p: Libp2p<HostServices>, peer: PeerId, why: string): void {
  for (const connection of libp2p.getConnections(peer)) {
    connection.abort(new Error(why));
  }
}

function gater(
  reputation: Reputation,
  origins: Origins,
  refused: RefusedPeers,
): NonNullable<Libp2pInit['connectionGater']> {
  const isUnwanted = (peer: PeerId): boolean => reputation.isOutcast(peer) || refused.isRefused(peer);
  return {
    denyInboundConnection: (from) => origins.isCrowded(from),
    denyInboundEncryptedConnection: isUnwanted,
    // Many may have been on their way at once, and some when they came to be refused.
    denyInboundUpgradedConnection: (peer, from) => origins.isCrowded(from) || isUnwanted(peer),
    denyOutboundUpgradedConnection: isUnwanted,
    denyDialPeer: isUnwanted,
  };
}

function connectionParts(
  options: HostOptions,
  meter: TrafficMeter,
  readings: HostReadings,
): Partial<Libp2pInit<HostServices>> {
  const {
    profile,
    connectionsMax = connectionsMaxDefault,
    waitingBytesMax = waitingBytesMaxDefault,
  } = options;
  return {
    transports: patientDials(profile.transports, addressDialTimeoutMs),
    ...(profile.protector === null ? {} : { connectionProtector: profile.protector }),
    connectionEncrypters: [noise()],
    streamMuxers: [
      muxer(
        {
          streamOptions: {
            maxStreamWindowSize: streamBufferBytesMax,
            maxReadBufferLength: streamBufferBytesMax,
          },
        },
        readings.trackMuxer,
        defaultMuxerLimits,
        new WaitingBytes(waitingBytesMax, () => performance.now()),
      ),
    ],
    metrics: () => ({
      ...meter.metrics,
      trackMultiaddrConnection: (connection) => {
        profile.opened(connection);
        meter.metrics.trackMultiaddrConnection(connection);
      },
    }),
    connectionMonitor: { pingInterval: pingIntervalMs },
    connectionManager: {
      maxConnections: connectionsMax,
      // Both defaults (5 a second and host, 10) refuse most dials of peers that share an address.
      inboundConnectionThreshold: 500,
      maxIncomingPendingConnections: 100,
      // What KEEP_ALIVE does; longer outages are ours (links.ts).
      reconnectRetries: 3,
      reconnectRetryInterval: 500,
      addressSorter: dialOrder(),
      ...{ addressDialTimeout: addressDialMaxMs, dialTimeout: addressDialMaxMs },
    },
  };
}

function services(profile: HostProfile, gossip: Gossip | null): ServiceFactoryMap<HostServices> {
  return {
    identify: identify({ maxMessageSize: identifyBytesMax }),
    // Tells peers that are already connected when a run's protocols come and go.
    identifyPush: pacedPush({ maxMessageSize: identifyBytesMax }),
    ping: ping(),
    dht: boundedDht({
      protocol: KAD_PROTOCOL,
      // Three are asked at a time, as in the paper; libp2p asks three on each of three paths, which are all there are of a small network.
      ...{ alpha: 1, disjointPaths: 3 },
      // Left undefined it is a client on private addresses, and would hold no records for others.
      clientMode: profile.discovery === 'dht-client',
      peerInfoMapper: passthroughMapper,
      // Providers are all we ask of it; libp2p's own validator lets strangers store any number of public keys.
      validators: { pk: refuseRecord },
    }),
    ...(gossip === null ? {} : { gossip: gossipsub(gossip.options()) }),
    untried: (components) => new UntriedAddresses(components),
  };
}

async function refuseRecord(): Promise<void> {
  throw new RecordRefusedError('this DHT stores no values');
}

/** Others use our transports too: what we could not dial ourselves is a slip of the pen. */
async function refuseUndialable(
  libp2p: Libp2p<HostServices>,
  addresses: readonly Multiaddr[],
): Promise<void> {
  for (const address of addresses) {
    if (!(await libp2p.isDialable(address))) {
      throw new AddressError(
        `${address} cannot be announced: no transport of this host dials such an address`,
      );
    }
  }
}
