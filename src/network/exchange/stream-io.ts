/**
 * Bulk bytes over a libp2p stream. libp2p's own byte-stream helpers have no backpressure on the way out and
 * reset a stream whose reader is 4 MiB behind; here the writer waits for the stream to empty and the reader
 * takes each message where it comes in.
 */
import type { Stream, StreamMessageEvent } from '@libp2p/interface';
import { FrameError, RequestError } from '../errors.ts';
import { type ExchangeAnswer, type FrameBounds, FrameParser, pieceBytes } from './frames.ts';

/** How long bytes may still come after the end of a stream was reported; only failures wait for it. */
const LATE_BYTES_MS = 50;

export interface WriteOptions {
  /** A stream that takes nothing for this long is given up. */
  readonly stallMs: number;
  readonly signal: AbortSignal;
  /** Told of bytes as the stream takes them. */
  readonly onBytes?: (count: number) => void;
}

export interface ReadOptions extends FrameBounds {
  readonly signal: AbortSignal;
  /** Told of bytes as they come. */
  readonly onBytes?: (count: number) => void;
}

/**
 * Sends the pieces one after the other, holding at most two of them in the stream's buffer, and does not
 * close the stream. @throws RequestError `TIMEOUT` or `STREAM_FAILED`, or the reason of the signal.
 */
export async function writePieces(
  stream: Stream,
  pieces: Iterable<Uint8Array>,
  options: WriteOptions,
): Promise<void> {
  for (const piece of pieces) {
    options.signal.throwIfAborted();
    let writable = stream.send(piece);
    while (!writable) {
      await nextWriteEvent(stream, options);
      // `drain` also comes when the window grew by less than what is queued.
      writable = !stream.writableNeedsDrain && stream.writeBufferLength < pieceBytes;
    }
    options.onBytes?.(piece.length);
  }
}

/** Resolves once nothing of what was written is left in the stream. @throws as `writePieces` */
export async function emptied(stream: Stream, options: WriteOptions): Promise<void> {
  while (stream.writeBufferLength > 0) {
    options.signal.throwIfAborted();
    await nextWriteEvent(stream, options);
  }
}

/** Resolves at the next sign that the stream moved. A listener of its own each time: onDrain() works once. */
function nextWriteEvent(stream: Stream, { stallMs, signal }: WriteOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => settle(new RequestError('TIMEOUT', `the peer took no bytes for ${stallMs} ms`)),
      stallMs,
    );
    const onMoved = () => settle();
    const onClosed = () => settle(new RequestError('STREAM_FAILED', 'the stream closed while we wrote'));
    const onAborted = () => settle(signal.reason);
    function settle(failure?: unknown): void {
      clearTimeout(timer);
      stream.removeEventListener('drain', onMoved);
      stream.removeEventListener('idle', onMoved);
      stream.removeEventListener('close', onClosed);
      signal.removeEventListener('abort', onAborted);
      if (failure === undefined) {
        // The stream empties its queue in a microtask after `drain`: look at it after that.
        queueMicrotask(resolve);
      } else {
        reject(failure);
      }
    }
    stream.addEventListener('drain', onMoved);
    stream.addEventListener('idle', onMoved);
    stream.addEventListener('close', onClosed);
    signal.addEventListener('abort', onAborted);
    if (stream.status !== 'open') {
      onClosed();
    }
  });
}

/**
 * Reads one request or one answer; resolves with its last byte. Bytes are copied out within the event that
 * brings them, so nothing piles up but the frames themselves, which the bounds cover.
 * @throws FrameError, RequestError `STREAM_FAILED`, what `onFrame` throws, or the reason of the signal. The stream is left open.
 */
export function readFrames(
  stream: Stream,
  kind: 'request' | 'answer',
  options: ReadOptions,
): Promise<ExchangeAnswer> {
  const { signal } = options;
  const parser = new FrameParser(kind, options);
  return new Promise((resolve, reject) => {
    const onMessage = ({ data }: StreamMessageEvent) => {
      try {
        for (const chunk of data instanceof Uint8Array ? [data] : data) {
          parser.push(chunk);
        }
        options.onBytes?.(data.byteLength);
      } catch (error) {
        settle(error);
        return;
      }
      if (parser.done) {
        settle();
      }
    };
    let lateBytes: NodeJS.Timeout | undefined;
    // Not the last word: protocol negotiation may have read ahead and push bytes back after `end`, and a
    // reset or lost connection says more with the `close` that follows.
    const onEnd = () => {
      lateBytes ??= setTimeout(
        () => settle(new FrameError('FRAME_TRUNCATED', `the stream ended within the ${kind}`)),
        LATE_BYTES_MS,
      );
    };
    const onClose = (event: { error?: Error }) => {
      if (event.error === undefined) {
        onEnd();
      } else {
        const message = `the stream broke within the ${kind}: ${event.error.message}`;
        settle(new RequestError('STREAM_FAILED', message, { cause: event.error }));
      }
    };
    const onAbort = () => settle(signal.reason);
    function settle(failure?: unknown): void {
      clearTimeout(lateBytes);
      stream.removeEventListener('message', onMessage);
      stream.removeEventListener('end', onEnd);
      stream.removeEventListener('close', onClose);
      signal.removeEventListener('abort', onAbort);
      if (failure === undefined) {
        resolve(parser.result());
      } else {
        reject(failure);
      }
    }
    signal.addEventListener('abort', onAbort);
    stream.addEventListener('end', onEnd);
    stream.addEventListener('close', onClose);
    stream.addEventListener('message', onMessage);
    if (signal.aborted) {
      onAbort();
    } else if (stream.readableEnded) {
      onEnd();
    }
  });
}

/**
 * Whether more comes before the other side ends the stream, `waitMs` have passed, or the signal is aborted. What has come stays in the
 * stream for whoever reads it next.
 */
export function moreComes(stream: Stream, waitMs: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => settle(false), waitMs);
    timer.unref();
    const onMessage = ({ data }: StreamMessageEvent) => {
      settle(true);
      stream.unshift(data);
    };
    const onOver = () => settle(false);
    function settle(more: boolean): void {
      clearTimeout(timer);
      stream.removeEventListener('message', onMessage);
      stream.removeEventListener('end', onOver);
      stream.removeEventListener('close', onOver);
      signal.removeEventListener('abort', onOver);
      resolve(more);
    }
    signal.addEventListener('abort', onOver);
    stream.addEventListener('end', onOver);
    stream.addEventListener('close', onOver);
    stream.addEventListener('message', onMessage);
    if (signal.aborted || stream.readableEnded || stream.status !== 'open') onOver();
  });
}

/**
 * Lets go of a stream whose work is done: waits for the other side's end in the background, and cuts it off
 * when that does not come.
 */
export function releaseStream(stream: Stream, graceMs: number): void {
  if (stream.status !== 'open' && stream.status !== 'closing') {
    return;
  }
  const timer = setTimeout(() => stream.abort(new Error('the peer did not end the stream')), graceMs);
  timer.unref();
  stream.addEventListener('close', () => clearTimeout(timer), { once: true });
}

/** Ends our side without waiting for it. */
export function endStream(stream: Stream, graceMs: number): void {
  if (stream.status !== 'open') return;
  // It breaks off where the connection does.
  stream.close().catch(() => {});
  releaseStream(stream, graceMs);
}
