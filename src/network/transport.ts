/**
 * The `Transport` port of one run over libp2p: discovery, links, gossip and exchange. Several run on one host,
 * each joins with its own `start` and leaves with its own `stop`.
 */
import type { PeerKey } from '../core/io.ts';
import type { Clock, RequestOptions, Transport, TransportHandlers } from '../core/ports.ts';
import { EventGate } from './conduct/event-gate.ts';
import { createDiscovery, type Discovery, type DiscoveryTiming } from './discovery/discovery.ts';
import type { NetworkEvent, NetworkEventListener } from './events.ts';
import { createExchange, type Exchange, type ExchangeCounts } from './exchange/exchange.ts';
import type { ExchangeLimits } from './exchange/limits.ts';
import { type AnnouncementCounts, type Announcements, createAnnouncements } from './gossip/announcements.ts';
import type { HiddenRun } from './hidden-run.ts';
import type { Host } from './host/host.ts';
import type { Traffic } from './host/traffic.ts';
import { peerIdOf } from './identity.ts';
import { createLinks, type Links } from './links/links.ts';
import type { LinkLimits } from './links/peer-selection.ts';

export interface TransportStats extends Traffic, AnnouncementCounts, ExchangeCounts {
  /** Peers of the run that are up. `bytesIn` and `bytesOut` are those of the whole host, all other figures the run's. */
  readonly peers: readonly PeerKey[];
}

export interface TransportOptions {
  /** Started by the caller and carrying runs; the transport does not stop it. */
  readonly host: Host;
  /** One transport a run and host at a time. */
  readonly runId: string;
  /** Where strangers must not see the run. */
  readonly hidden?: HiddenRun | undefined;
  /** Whether the run has shown a peer the door. */
  readonly isOut?: ((peer: PeerKey) => boolean) | undefined;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  /** Of each kind no more than a log can bear. */
  readonly onEvent?: NetworkEventListener;
  readonly links?: Partial<LinkLimits>;
  readonly discovery?: DiscoveryTiming;
  readonly exchange?: Partial<ExchangeLimits>;
}

export interface NetworkTransport extends Transport {
  stats(): TransportStats;
  /** Whether the run is over here. Who needs what we have finds us; any peer at all is company enough then. */
  rest(isAtRest: boolean): void;
}

export function createTransport(options: TransportOptions): NetworkTransport {
  return new RunTransport(options);
}

class RunTransport implements NetworkTransport {
  readonly #options: TransportOptions;
  readonly #announcements: Announcements;
  readonly #exchange: Exchange;
  readonly #links: Links;
  readonly #discovery: Discovery;
  readonly #gate = new EventGate();
  #handlers: TransportHandlers | null = null;
  #isAtRest = false;

  constructor(options: TransportOptions) {
    this.#options = options;
    const { host, runId, hidden, clock, random, links, discovery, exchange } = options;
    const onEvent = (event: NetworkEvent): void => this.#tell(event);
    const common = { host, runId, hidden, clock, random, onEvent };
    this.#announcements = createAnnouncements({
      ...common,
      judge: async (from, bytes) => {
        const verdict = (await this.#handlers?.announcement(from, bytes)) ?? 'ignore';
        if (verdict === 'accept') {
          this.#links.useful(from);
        }
        return verdict;
      },
    });
    this.#exchange = createExchange({
      ...common,
      ...(exchange === undefined ? {} : { limits: exchange }),
      serve: async (from, bytes) => {
        if (this.#handlers === null) {
          throw new Error('this node is stopping');
        }
        return this.#handlers.request(from, bytes);
      },
    });
    this.#links = createLinks({
      ...common,
      isOut: options.isOut,
      prove: hidden && ((peer) => this.#exchange.prove(peer)),
      ...(links === undefined ? {} : { limits: links }),
      onPeerUp: (peer) => this.#handlers?.peerUp(peer),
      onPeerDown: (peer) => {
        this.#handlers?.peerDown(peer);
        if (this.#peersMissing()) {
          this.#discovery.hurry();
        }
      },
    });
    this.#discovery = createDiscovery({
      ...common,
      ...(discovery === undefined ? {} : { timing: discovery }),
      onPeer: (peer) => this.#links.found(peer),
      isLinked: (peer) => this.#links.isLinked(peer),
      peersMissing: () => this.#peersMissing(),
      isAtRest: () => this.#isAtRest,
    });
  }

  /**
   * @throws Error where a transport of this run is up on the host already, or the host carries no runs;
   *   TooManyRunsError
   */
  async start(handlers: TransportHandlers): Promise<void> {
    this.#announcements.start();
    this.#handlers = handlers;
    await this.#exchange.start();
    this.#links.start();
    this.#discovery.start();
  }

  async stop(): Promise<void> {
    // What another transport of the same run has joined is not ours to leave.
    if (this.#handlers === null) {
      return;
    }
    await this.#discovery.stop();
    await this.#links.stop();
    this.#handlers = null;
    await this.#exchange.stop();
    this.#announcements.stop();
  }

  announce(bytes: Uint8Array): Promise<void> {
    return this.#announcements.announce(bytes);
  }

  async request(peer: PeerKey, bytes: Uint8Array, wanted: RequestOptions): Promise<Uint8Array[]> {
    const frames = await this.#exchange.request(peer, bytes, wanted);
    this.#links.useful(peer);
    return frames;
  }

  blame(peer: PeerKey, part: number): void {
    this.#options.host.reputation.blame(peerIdOf(peer), part);
  }

  stats(): TransportStats {
    return {
      ...this.#options.host.traffic(),
      ...this.#announcements.counts(),
      ...this.#exchange.counts(),
      peers: this.#links.peers(),
    };
  }

  rest(isAtRest: boolean): void {
    if (this.#isAtRest && !isAtRest) this.#discovery.hurry();
    this.#isAtRest = isAtRest;
    this.#links.rest(isAtRest);
  }

  #peersMissing(): boolean {
    return this.#isAtRest ? this.#links.peers().length === 0 : this.#links.peersMissing();
  }

  #tell(event: NetworkEvent): void {
    for (const told of this.#gate.pass(event, performance.now())) this.#options.onEvent?.(told);
  }
}
