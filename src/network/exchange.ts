/**
 * Requests and answers between peers of a run: one stream a request, real backpressure, every wait bounded,
 * and the stream reset on every failure (a read that timed out would otherwise leave it open).
 */
import type { Connection, Stream } from '@libp2p/interface';
import type { PeerKey } from '../core/io.ts';
import type { RequestOptions } from '../core/ports.ts';
import { withDeadline } from './deadline.ts';
import { FrameError, RequestError } from './errors.ts';
import type { NetworkEventListener } from './events.ts';
import { type AnswerStatus, answerHead, framePieces } from './frames.ts';
import type { Host } from './host.ts';
import { peerIdOf, peerKeyOf } from './identity.ts';
import { exchangeProtocol } from './protocols.ts';
import { readFrames, releaseStream, writePieces } from './stream-io.ts';

export interface ExchangeLimits {
  /** Bound on a request. Mixing methods push whole models in one and need more. */
  readonly requestBytesMax: number;
  readonly answerFramesMax: number;
  /** Requests served at a time; more are told that we are busy. */
  readonly inboundMax: number;
  readonly inboundPerPeerMax: number;
  /** From the first byte of a request to the last of its answer. */
  readonly serveTimeoutMs: number;
  /** A peer that takes no bytes for this long is given up. */
  readonly stallMs: number;
}

/** Guesses, all of them. */
export const defaultExchangeLimits: ExchangeLimits = {
  requestBytesMax: 64 << 10,
  answerFramesMax: 4096,
  inboundMax: 64,
  inboundPerPeerMax: 8,
  serveTimeoutMs: 60_000,
  stallMs: 10_000,
};

const RELEASE_GRACE_MS = 2_000;
const NOTHING = new Uint8Array();

export interface ExchangeCounts {
  readonly requestsIn: number;
  readonly requestsOut: number;
  /** Inbound requests refused for being too many, too large, malformed or not to the core's liking. */
  readonly requestsRefused: number;
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
  readonly limits?: ExchangeLimits;
}

export function createExchange(options: ExchangeOptions): Exchange {
  const { onEvent } = options;
  const { libp2p } = options.host;
  const limits = options.limits ?? defaultExchangeLimits;
  const protocol = exchangeProtocol(options.runId);
  const inbound = new Map<PeerKey, number>();
  let inboundTotal = 0;
  let stopping = new AbortController();
  const counts = { requestsIn: 0, requestsOut: 0, requestsRefused: 0 };

  async function onStream(stream: Stream, connection: Connection): Promise<void> {
    const from = peerKeyOf(connection.remotePeer);
    if (from === null) {
      stream.abort(new RequestError('REFUSED', 'only Ed25519 peers take part'));
      return;
    }
    counts.requestsIn++;
    try {
      await withDeadline(limits.serveTimeoutMs, 'it was not served', [stopping.signal], (signal) =>
        admit(stream, from, signal),
      );
    } catch (error) {
      stream.abort(asError(error));
      refused(from, asError(error).message);
    }
  }

  async function admit(stream: Stream, from: PeerKey, signal: AbortSignal): Promise<void> {
    const mine = inbound.get(from) ?? 0;
    if (mine >= limits.inboundPerPeerMax || inboundTotal >= limits.inboundMax) {
      refused(from, 'busy');
      await answer(stream, 'busy', [], signal);
      return;
    }
    inbound.set(from, mine + 1);
    inboundTotal++;
    try {
      await serveOne(stream, from, signal);
    } finally {
      inboundTotal--;
      const rest = inbound.get(from)! - 1;
      if (rest > 0) {
        inbound.set(from, rest);
      } else {
        inbound.delete(from);
      }
    }
  }

  async function serveOne(stream: Stream, from: PeerKey, signal: AbortSignal): Promise<void> {
    const startedMs = performance.now();
    const bounds = { bytesMax: limits.requestBytesMax, framesMax: 1 };
    const { frames } = await readFrames(stream, 'request', bounds, signal);
    let served: readonly Uint8Array[];
    try {
      served = await raced(options.serve(from, frames[0]!), signal);
    } catch (error) {
      signal.throwIfAborted();
      refused(from, asError(error).message);
      await answer(stream, 'refused', [], signal);
      return;
    }
    await answer(stream, 'ok', served, signal);
    const bytes = served.reduce((sum, frame) => sum + frame.length, 0);
    onEvent({ kind: 'request-served', peer: from, bytes, ms: performance.now() - startedMs });
  }

  async function answer(
    stream: Stream,
    status: AnswerStatus,
    frames: readonly Uint8Array[],
    signal: AbortSignal,
  ): Promise<void> {
    const pieces = framePieces(answerHead(status, frames.length), frames);
    await writePieces(stream, pieces, { stallMs: limits.stallMs, signal });
    await stream.close({ signal });
    releaseStream(stream, RELEASE_GRACE_MS);
  }

  function refused(peer: PeerKey, reason: string): void {
    counts.requestsRefused++;
    onEvent({ kind: 'request-refused', peer, reason });
  }

  async function request(peer: PeerKey, bytes: Uint8Array, wanted: RequestOptions): Promise<Uint8Array[]> {
    if (bytes.length > limits.requestBytesMax) {
      throw new RequestError(
        'REQUEST_TOO_LARGE',
        `the request has ${bytes.length} bytes, more than requestBytesMax ${limits.requestBytesMax}`,
      );
    }
    const connection = libp2p.getConnections(peerIdOf(peer)).find(({ status }) => status === 'open');
    if (connection === undefined) {
      throw new RequestError('NOT_CONNECTED', `peer ${peer} is not connected`);
    }
    counts.requestsOut++;
    return withDeadline(
      wanted.timeoutMs,
      `no answer from peer ${peer}`,
      [stopping.signal, wanted.signal],
      (signal) => ask(connection, peer, bytes, wanted.responseBytesMax, signal),
    );
  }

  async function ask(
    connection: Connection,
    peer: PeerKey,
    bytes: Uint8Array,
    bytesMax: number,
    signal: AbortSignal,
  ): Promise<Uint8Array[]> {
    let stream: Stream | null = null;
    try {
      // Where libp2p heeds it (3.3.11 always negotiates in full) this saves a round trip per request.
      stream = await connection.newStream(protocol, { negotiateFully: false, signal });
      const bounds = { bytesMax, framesMax: limits.answerFramesMax };
      const reading = readFrames(stream, 'answer', bounds, signal);
      // A peer may refuse before it has read the whole request: the answer counts, however writing ends.
      const writing = send(stream, bytes, signal);
      writing.catch(() => {});
      const { status, frames } = await reading;
      if (status !== 'ok') {
        throw new RequestError(
          status === 'busy' ? 'BUSY' : 'REFUSED',
          status === 'busy' ? `peer ${peer} serves too many requests` : `peer ${peer} refused the request`,
        );
      }
      await writing;
      releaseStream(stream, RELEASE_GRACE_MS);
      return [...frames];
    } catch (error) {
      // The abort that ended us tells more than the failure it caused.
      const failure = asFailure(signal.aborted ? signal.reason : error, peer);
      stream?.abort(failure);
      throw failure;
    }
  }

  async function send(stream: Stream, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    await writePieces(stream, framePieces(NOTHING, [bytes]), { stallMs: limits.stallMs, signal });
    await stream.close({ signal });
  }

  return {
    async start() {
      stopping = new AbortController();
      await libp2p.handle(protocol, onStream, {
        // Twice what is served: the surplus hears `busy` instead of a reset.
        maxInboundStreams: 2 * limits.inboundPerPeerMax,
        maxOutboundStreams: 4 * limits.inboundPerPeerMax,
      });
    },
    async stop() {
      await libp2p.unhandle(protocol);
      stopping.abort(new RequestError('STREAM_FAILED', 'this node stops'));
    },
    request,
    counts: () => ({ ...counts }),
  };
}

/** `promise`, or the reason of the signal when that comes first. */
function raced<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function asFailure(error: unknown, peer: PeerKey): Error {
  if (error instanceof RequestError || error instanceof FrameError) {
    return error;
  }
  const { message } = asError(error);
  return new RequestError('STREAM_FAILED', `the request to peer ${peer} failed: ${message}`, {
    cause: error,
  });
}
