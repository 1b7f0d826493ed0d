/**
 * Requests and answers between peers of a run: one at a time on a stream, real backpressure, every wait bounded,
 * and the stream reset on every failure (a read that timed out would otherwise leave it open).
 */
import type { PeerKey } from '../../core/io.ts';
import type { RequestOptions } from '../../core/ports.ts';
import type { NetworkEventListener } from '../events.ts';
import type { HiddenRun } from '../hidden-run.ts';
import type { Host } from '../host/host.ts';
import { exchangeProtocol } from '../protocols.ts';
import { ExchangeClient } from './client.ts';
import { defaultExchangeLimits, type ExchangeLimits } from './limits.ts';
import { bareRequest, sealedLimits, sealedRequest, sealedServe } from './sealed-exchange.ts';
import { ExchangeServer } from './server.ts';

const proveTimeoutMs = 5_000;

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
  /** Of a hidden run: resolves to whether a connected peer shows that it is a member. */
  prove(peer: PeerKey): Promise<boolean>;
  counts(): ExchangeCounts;
}

export interface ExchangeOptions {
  readonly host: Host;
  readonly runId: string;
  /** Where strangers must not see the run. */
  readonly hidden?: HiddenRun | undefined;
  /** Resolves to the frames of the answer; rejects to refuse. */
  readonly serve: (from: PeerKey, bytes: Uint8Array) => Promise<readonly Uint8Array[]>;
  readonly onEvent: NetworkEventListener;
  readonly limits?: Partial<ExchangeLimits>;
  /** Where it is not the run's own. */
  readonly protocol?: string;
}

export function createExchange(options: ExchangeOptions): Exchange {
  const { runId, hidden, onEvent } = options;
  const { libp2p, reputation, origins, key: self } = options.host;
  const plainLimits = { ...defaultExchangeLimits, ...options.limits };
  const limits = hidden ? sealedLimits(plainLimits) : plainLimits;
  const protocol = options.protocol ?? exchangeProtocol(hidden?.name ?? runId);
  const serve = hidden ? sealedServe(options.serve, hidden, self) : options.serve;
  const server = new ExchangeServer({
    limits,
    reputation,
    origins,
    serve,
    onEvent,
    nowMs: () => performance.now(),
  });
  const client = new ExchangeClient({ libp2p, reputation, protocol, limits });
  const plainRequest: Exchange['request'] = (peer, bytes, wanted) => client.request(peer, bytes, wanted);
  const request = hidden ? sealedRequest(plainRequest, hidden, { self, reputation }) : plainRequest;

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
    request,
    async prove(peer) {
      const wanted = {
        responseBytesMax: 0,
        timeoutMs: proveTimeoutMs,
        signal: AbortSignal.timeout(proveTimeoutMs),
      };
      return request(peer, bareRequest, wanted).then(
        () => true,
        () => false,
      );
    },
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
