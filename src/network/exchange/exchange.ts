/**
 * Requests and answers between peers of a run: one at a time on a stream, real backpressure, every wait bounded,
 * and the stream reset on every failure (a read that timed out would otherwise leave it open).
 */
import type { PeerKey } from '../../core/io.ts';
import type { RequestOptions } from '../../core/ports.ts';
import type { NetworkEventListener } from '../events.ts';
import type { Host } from '../host.ts';
import { exchangeProtocol } from '../protocols.ts';
import { ExchangeClient } from './client.ts';
import { defaultExchangeLimits, type ExchangeLimits } from './limits.ts';
import { ExchangeServer } from './server.ts';

export interface ExchangeCounts {
  readonly requestsIn: number;
  readonly requestsOut: number;
  /** Inbound requests refused for being too many, too large, too slow, malformed or not to the core's liking. */
  readonly requestsRefused: number;
  /** Of requests and answers, both ways together, frames included; encryption and streams are not. */
  readonly exchangedBytesIn: number;
  readonly exchangedBytesOut: number;
}

export interface Exchange {
  start(): Promise<void>;
  /** Refuses new requests and resets those in progress. */
  stop(): Promise<void>;
  request(peer: PeerKey, bytes: Uint8Array, options: RequestOptions): Promise<Uint8Array[]>;
  counts(): ExchangeCounts;
}

export interface ExchangeOptions {
  readonly host: Host;
  readonly runId: string;
  /** Resolves to the frames of the answer; rejects to refuse. */
  readonly serve: (from: PeerKey, bytes: Uint8Array) => Promise<readonly Uint8Array[]>;
  readonly onEvent: NetworkEventListener;
  readonly limits?: Partial<ExchangeLimits>;
  /** Where it is not the run's own. */
  readonly protocol?: string;
}

export function createExchange(options: ExchangeOptions): Exchange {
  const { serve, onEvent } = options;
  const { libp2p, reputation, origins } = options.host;
  const limits = { ...defaultExchangeLimits, ...options.limits };
  const protocol = options.protocol ?? exchangeProtocol(options.runId);
  const server = new ExchangeServer({
    limits,
    reputation,
    origins,
    serve,
    onEvent,
    nowMs: () => performance.now(),
  });
  const client = new ExchangeClient({ libp2p, reputation, protocol, limits });

  return {
    async start() {
      server.start();
      client.start();
      await libp2p.handle(protocol, (stream, connection) => server.take(stream, connection), {
        runOnLimitedConnection: true,
        // Twice what is served: the surplus hears `busy` instead of a reset.
        maxInboundStreams: 2 * limits.inboundPerPeerMax,
        maxOutboundStreams: 4 * limits.inboundPerPeerMax,
      });
    },
    async stop() {
      await libp2p.unhandle(protocol);
      server.stop();
      client.stop();
    },
    request: (peer, bytes, wanted) => client.request(peer, bytes, wanted),
    counts() {
      const served = server.counts();
      const asked = client.counts();
      return {
        requestsIn: served.requests,
        requestsOut: asked.requests,
        requestsRefused: served.refused,
        exchangedBytesIn: served.bytesIn + asked.bytesIn,
        exchangedBytesOut: served.bytesOut + asked.bytesOut,
      };
    },
  };
}
