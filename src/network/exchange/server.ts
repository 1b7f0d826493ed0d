/** The answering side of the exchange: seats.ts decides who is served, this serves. Every wait is bounded. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Connection, Stream } from '@libp2p/interface';
import { asError } from '../../core/as-error.ts';
import type { PeerKey } from '../../core/io.ts';
import { AbsurdRequestError, RequestRefusedError } from '../../core/ports.ts';
import { raced } from '../../platform/node/raced.ts';
import { type Origins, peersPerAddress } from '../conduct/origins.ts';
import type { Reputation } from '../conduct/reputation.ts';
import { TokenBuckets } from '../conduct/token-buckets.ts';
import { withDeadline } from '../deadline.ts';
import { FrameError, RequestError } from '../errors.ts';
import type { NetworkEventListener } from '../events.ts';
import { peerIdOf, peerKeyOf } from '../identity.ts';
import { type AnswerStatus, answerHead, framePieces } from './frames.ts';
import type { ExchangeLimits } from './limits.ts';
import { type SeatId, Seats } from './seats.ts';
import { emptied, endStream, moreComes, readFrames, releaseStream, writePieces } from './stream-io.ts';

const RELEASE_GRACE_MS = 2_000;
/** What an answer costs beside its bytes. Guess. */
const answerCostBytes = 1 << 10;

export interface ExchangeServerOptions {
  readonly limits: ExchangeLimits;
  readonly reputation: Reputation;
  readonly origins: Origins;
  /** Resolves to the frames of the answer; rejects with a RequestRefusedError to refuse, an AbsurdRequestError for what no honest peer asks, and anything else where it cannot now. */
  readonly serve: (from: PeerKey, bytes: Uint8Array) => Promise<readonly Uint8Array[]>;
  readonly onEvent: NetworkEventListener;
  /** Milliseconds of a clock that never goes back. */
  readonly nowMs: () => number;
}

/** Ends the reading of a request before memory is taken for it. */
class NoRoomError extends Error {
  override readonly name = 'NoRoomError';
  readonly code = 'NO_ROOM';
}

/** A request that has a seat, and what takes it away. */
interface Served {
  readonly from: PeerKey;
  /** The address it is counted with. */
  readonly origin: string | null;
  readonly stream: Stream;
  readonly seat: SeatId;
  readonly giveUp: AbortController;
}

export class ExchangeServer {
  readonly #options: ExchangeServerOptions;
  readonly #seats: Seats;
  /** Bytes of answers, by peer and by address. */
  readonly #taken: TokenBuckets;
  readonly #takenThere: TokenBuckets;
  readonly #served = new Map<SeatId, Served>();
  #stopping = new AbortController();
  #requests = 0;
  #refused = 0;
  #bytesIn = 0;
  #bytesOut = 0;

  constructor(options: ExchangeServerOptions) {
    this.#options = options;
    this.#seats = new Seats(options.limits);
    const { answerBurstBytes, answerBytesPerSecond, requestBytesMax } = options.limits;
    const burst = Math.max(answerBurstBytes, 4 * requestBytesMax);
    const perSecond = Math.max(answerBytesPerSecond, requestBytesMax);
    this.#taken = new TokenBuckets({ burst, perSecond });
    this.#takenThere = new TokenBuckets({
      burst: peersPerAddress * burst,
      perSecond: peersPerAddress * perSecond,
    });
  }

  start(): void {
    this.#stopping = new AbortController();
  }

  /** Resets the requests in progress. */
  stop(): void {
    this.#stopping.abort(new RequestError('STREAM_FAILED', 'this node stops'));
  }

  counts(): {
    readonly requests: number;
    readonly refused: number;
    readonly bytesIn: number;
    readonly bytesOut: number;
  } {
    return {
      requests: this.#requests,
      refused: this.#refused,
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
    };
  }

  /** Takes one inbound stream and the requests on it, one after the other; never rejects. */
  async take(stream: Stream, connection: Connection): Promise<void> {
    const from = peerKeyOf(connection.remotePeer);
    if (from === null) {
      stream.abort(new RequestError('REFUSED', 'only Ed25519 peers take part'));
      return;
    }
    const { nextRequestMs } = this.#options.limits;
    while (await this.#takeRequest(from, stream, connection)) {
      if (await moreComes(stream, nextRequestMs, this.#stopping.signal)) continue;
      if (this.#stopping.signal.aborted) stream.abort(asError(this.#stopping.signal.reason));
      else endStream(stream, RELEASE_GRACE_MS);
      return;
    }
  }

  /** Resolves to whether the stream may carry another one. */
  async #takeRequest(from: PeerKey, stream: Stream, connection: Connection): Promise<boolean> {
    this.#requests++;
    // What it had under way when it was cut off.
    if (this.#options.reputation.isOutcast(connection.remotePeer)) {
      stream.abort(new RequestError('REFUSED', 'too much of what came from there was refused'));
      this.#refused++;
      return false;
    }
    try {
      const origin = this.#options.origins.of(connection);
      const admission = this.#seats.admit(from, this.#options.nowMs(), origin);
      switch (admission.kind) {
        case 'busy':
          await this.#turnAway(stream, from);
          return false;
        case 'admitted':
          if (admission.lost !== null) {
            this.#takeAway(admission.lost);
          }
          return await this.#serveWithin({
            from,
            origin,
            stream,
            seat: admission.seat,
            giveUp: new AbortController(),
          });
        default:
          return admission satisfies never;
      }
    } catch (error) {
      stream.abort(asError(error));
      // One that breaks off is unlucky.
      if (error instanceof FrameError && error.code !== 'FRAME_TRUNCATED') {
        this.#options.reputation.blame(connection.remotePeer);
      }
      this.#noteRefusal(from, asError(error).message);
      return false;
    }
  }

  async #turnAway(stream: Stream, from: PeerKey): Promise<void> {
    this.#noteRefusal(from, 'busy');
    const { stallMs } = this.#options.limits;
    await withDeadline(stallMs, 'it did not listen', [this.#stopping.signal], (signal) =>
      this.#answer(stream, 'busy', [], signal),
    );
  }

  async #serveWithin(served: Served): Promise<boolean> {
    const { seat, giveUp } = served;
    const { serveTimeoutMs } = this.#options.limits;
    this.#served.set(seat, served);
    try {
      return await withDeadline(
        serveTimeoutMs,
        'it was not served',
        [this.#stopping.signal, giveUp.signal],
        (signal) => this.#serve(served, signal),
      );
    } finally {
      this.#served.delete(seat);
      this.#seats.free(seat);
    }
  }

  async #serve(served: Served, signal: AbortSignal): Promise<boolean> {
    const { from, origin, stream, seat } = served;
    const { onEvent, nowMs } = this.#options;
    const startedMs = nowMs();
    const request = await this.#receive(served, signal);
    if (request === null) {
      this.#noteRefusal(from, 'busy');
      return this.#answer(stream, 'busy', [], signal);
    }
    this.#seats.enter(seat, 'serving', nowMs());
    let frames: readonly Uint8Array[];
    try {
      frames = await this.#answerTo(from, request, signal);
    } catch (error) {
      signal.throwIfAborted();
      const isAbsurd = error instanceof AbsurdRequestError;
      if (isAbsurd) {
        this.#options.reputation.blame(peerIdOf(from));
      }
      this.#noteRefusal(from, asError(error).message);
      // A no counts against who says it: one that is slow, full or on its way out says that it is busy.
      const isNo = isAbsurd || error instanceof RequestRefusedError;
      return this.#answer(stream, isNo ? 'refused' : 'busy', [], signal);
    }
    const bytes = frames.reduce((sum, frame) => sum + frame.length, 0);
    // From here on it is the peer that takes its time: a seat that waits for its share goes to whoever has fewer.
    this.#seats.enter(seat, 'answering', nowMs());
    await this.#paced(from, origin, bytes, signal);
    const isKept = await this.#answer(stream, 'ok', frames, signal, seat);
    onEvent({ kind: 'request-served', peer: from, bytes, ms: nowMs() - startedMs });
    return isKept;
  }

  #answerTo(from: PeerKey, request: Uint8Array, outer: AbortSignal): Promise<readonly Uint8Array[]> {
    const { serve, limits } = this.#options;
    return withDeadline(limits.answerTimeoutMs, 'there was no answer', [outer], (signal) =>
      raced(serve(from, request), signal),
    );
  }

  /** Whoever takes more than its share waits for it in its own seats. */
  async #paced(from: PeerKey, origin: string | null, bytes: number, signal: AbortSignal): Promise<void> {
    const nowMs = this.#options.nowMs();
    const cost = bytes + answerCostBytes;
    const ownMs = this.#taken.waitMsAndSpend(from, cost, nowMs);
    const thereMs = origin === null ? 0 : this.#takenThere.waitMsAndSpend(origin, cost, nowMs);
    const waitMs = Math.max(ownMs, thereMs);
    if (waitMs > 0) {
      await delay(waitMs, undefined, { signal });
    }
  }

  /** null where there is no room for a request of that size now. */
  async #receive(served: Served, signal: AbortSignal): Promise<Uint8Array | null> {
    const { requestBytesMax } = this.#options.limits;
    const stopWatching = this.#watchPace(served);
    try {
      const { frames } = await readFrames(served.stream, 'request', {
        bytesMax: requestBytesMax,
        framesMax: 1,
        signal,
        onFrame: (bytes) => this.#hold(served.seat, bytes),
        onBytes: (count) => {
          this.#bytesIn += count;
          this.#seats.moved(served.seat, count);
        },
      });
      return frames[0]!;
    } catch (error) {
      if (error instanceof NoRoomError) {
        return null;
      }
      throw error;
    } finally {
      stopWatching();
    }
  }

  #hold(seat: SeatId, bytes: number): void {
    const lost = this.#seats.hold(seat, bytes, this.#options.nowMs());
    if (lost === null) {
      throw new NoRoomError();
    }
    for (const other of lost) {
      this.#takeAway(other);
    }
  }

  /** Gives a request up once it is too slow; the returned function ends the watch. */
  #watchPace({ seat, giveUp }: Served): () => void {
    let timer: NodeJS.Timeout | undefined;
    const look = (): void => {
      const leftMs = this.#seats.receiveByMs(seat) - this.#options.nowMs();
      if (leftMs > 0) {
        timer = setTimeout(look, leftMs);
      } else {
        giveUp.abort(new RequestError('TIMEOUT', 'the request came too slowly'));
      }
    };
    look();
    return () => clearTimeout(timer);
  }

  #takeAway(seat: SeatId): void {
    this.#served
      .get(seat)
      ?.giveUp.abort(new RequestError('TIMEOUT', 'too slow while others wait for the seat'));
  }

  /** Resolves to whether the stream may carry another request. */
  async #answer(
    stream: Stream,
    status: AnswerStatus,
    frames: readonly Uint8Array[],
    signal: AbortSignal,
    seat?: SeatId,
  ): Promise<boolean> {
    const pieces = framePieces(answerHead(status, frames.length), frames);
    await writePieces(stream, pieces, {
      stallMs: this.#options.limits.stallMs,
      signal,
      onBytes: (count) => {
        this.#bytesOut += count;
        if (seat !== undefined) {
          this.#seats.moved(seat, count);
        }
      },
    });
    if (status === 'ok' && stream.remoteWriteStatus === 'writable') {
      // Whoever takes its time over the last bytes does so in its seat.
      await emptied(stream, { stallMs: this.#options.limits.stallMs, signal });
      if (stream.status === 'open' && stream.remoteWriteStatus === 'writable') return true;
    }
    await stream.close({ signal });
    releaseStream(stream, RELEASE_GRACE_MS);
    return false;
  }

  #noteRefusal(peer: PeerKey, reason: string): void {
    this.#refused++;
    this.#options.onEvent({ kind: 'request-refused', peer, reason });
  }
}
