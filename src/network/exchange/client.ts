/** The asking side of the exchange: one request at a time on a stream, which is reset on every failure. */

import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import { reasonOf } from '../../core/as-error.ts';
import type { PeerKey } from '../../core/io.ts';
import type { RequestOptions } from '../../core/ports.ts';
import type { Reputation } from '../conduct/reputation.ts';
import { withDeadline } from '../deadline.ts';
import { FrameError, RequestError } from '../errors.ts';
import { peerIdOf } from '../identity.ts';
import { framePieces } from './frames.ts';
import { KeptStreams } from './kept-streams.ts';
import { type ExchangeLimits, keptAnswerBytesMax, keptRequestBytesMax } from './limits.ts';
import { RareDials } from './rare-dials.ts';
import { readFrames, releaseStream, writePieces } from './stream-io.ts';

const RELEASE_GRACE_MS = 2_000;
const NOTHING = new Uint8Array();

export interface ExchangeClientOptions {
  readonly libp2p: Libp2p;
  readonly reputation: Reputation;
  readonly protocol: string;
  readonly limits: ExchangeLimits;
}

export class ExchangeClient {
  readonly #options: ExchangeClientOptions;
  readonly #kept = new KeptStreams(RELEASE_GRACE_MS);
  readonly #dials: RareDials;
  #stopping = new AbortController();
  #requests = 0;
  #bytesIn = 0;
  #bytesOut = 0;

  constructor(options: ExchangeClientOptions) {
    this.#options = options;
    this.#dials = new RareDials({
      libp2p: options.libp2p,
      nowMs: () => performance.now(),
      random: Math.random,
    });
  }

  start(): void {
    this.#stopping = new AbortController();
  }

  /** Resets the requests in progress. */
  stop(): void {
    this.#kept.endAll();
    this.#stopping.abort(new RequestError('STREAM_FAILED', 'this node stops'));
  }

  counts(): { readonly requests: number; readonly bytesIn: number; readonly bytesOut: number } {
    return { requests: this.#requests, bytesIn: this.#bytesIn, bytesOut: this.#bytesOut };
  }

  /** @throws RequestError, FrameError */
  async request(peer: PeerKey, bytes: Uint8Array, wanted: RequestOptions): Promise<Uint8Array[]> {
    const { requestBytesMax } = this.#options.limits;
    if (bytes.length > requestBytesMax) {
      throw new RequestError(
        'REQUEST_TOO_LARGE',
        `the request has ${bytes.length} bytes, more than requestBytesMax ${requestBytesMax}`,
      );
    }
    const open = this.#connectionTo(peer);
    if (open === undefined && !wanted.dials) {
      throw new RequestError('NOT_CONNECTED', `peer ${peer} is not connected`);
    }
    this.#requests++;
    return withDeadline(
      wanted.timeoutMs,
      `no answer from peer ${peer}`,
      [this.#stopping.signal, wanted.signal],
      async (signal) =>
        this.#ask(open ?? (await this.#dials.to(peer, signal)), peer, bytes, wanted.responseBytesMax, signal),
    );
  }

  /** A direct one before one over a relay. */
  #connectionTo(peer: PeerKey): Connection | undefined {
    const open = this.#options.libp2p
      .getConnections(peerIdOf(peer))
      .filter(({ status }) => status === 'open');
    return open.find(({ limits }) => limits === undefined) ?? open[0];
  }

  async #ask(
    connection: Connection,
    peer: PeerKey,
    bytes: Uint8Array,
    bytesMax: number,
    signal: AbortSignal,
  ): Promise<Uint8Array[]> {
    const { protocol, limits } = this.#options;
    let stream = bytes.length <= keptRequestBytesMax ? this.#kept.take(connection) : null;
    try {
      // Where libp2p heeds it (3.3.11 always negotiates in full) this saves a round trip per request.
      stream ??= await connection.newStream(protocol, {
        negotiateFully: false,
        runOnLimitedConnection: true,
        signal,
      });
      const reading = readFrames(stream, 'answer', {
        bytesMax,
        framesMax: limits.answerFramesMax,
        signal,
        onBytes: (count) => {
          this.#bytesIn += count;
        },
      });
      // A peer may refuse before it has read the whole request: the answer counts, however writing ends.
      const writing = this.#send(stream, bytes, signal);
      writing.catch(() => {});
      const { status, frames } = await reading;
      if (status !== 'ok') {
        throw new RequestError(
          status === 'busy' ? 'BUSY' : 'REFUSED',
          status === 'busy' ? `peer ${peer} serves too many requests` : `peer ${peer} refused the request`,
        );
      }
      await writing;
      const answered = frames.reduce((sum, frame) => sum + frame.length, 0);
      if (bytes.length <= keptRequestBytesMax && answered <= keptAnswerBytesMax)
        this.#kept.put(connection, stream);
      else {
        await stream.close({ signal });
        releaseStream(stream, RELEASE_GRACE_MS);
      }
      return [...frames];
    } catch (error) {
      // The abort that ended us tells more than the failure it caused.
      const failure = asFailure(signal.aborted ? signal.reason : error, peer);
      stream?.abort(failure);
      // One that breaks off is unlucky.
      if (failure instanceof FrameError && failure.code !== 'FRAME_TRUNCATED') {
        this.#options.reputation.blame(connection.remotePeer);
      }
      throw failure;
    }
  }

  async #send(stream: Stream, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    await writePieces(stream, framePieces(NOTHING, [bytes]), {
      stallMs: this.#options.limits.stallMs,
      signal,
      onBytes: (count) => {
        this.#bytesOut += count;
      },
    });
    if (bytes.length > keptRequestBytesMax) await stream.close({ signal });
  }
}

function asFailure(error: unknown, peer: PeerKey): Error {
  if (error instanceof RequestError || error instanceof FrameError) {
    return error;
  }
  const reason = reasonOf(error);
  return new RequestError('STREAM_FAILED', `the request to peer ${peer} failed: ${reason}`, { cause: error });
}
