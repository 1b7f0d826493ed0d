/**
 * yamux, on a connection that ends whenever it likes. It does not notice that one was over before it came, as where the other end hangs
 * up between its word on the multiplexer and ours, and it announces a new stream a moment after it was asked for: where it cannot write
 * then it throws where nobody can catch it, and the process ends. And it answers every piece of data with how much more it takes, which
 * is as much again as a small request is framed by.
 */
import { type StreamMuxerFactory, StreamStateError } from '@libp2p/interface';
import type { AbstractStream, AbstractStreamMuxer } from '@libp2p/utils';
import { yamux } from '@libp2p/yamux';
import { concat } from 'uint8arrays';
import { type TokenBucketLimits, TokenBuckets } from '../conduct/token-buckets.ts';
import { isGossip } from '../protocols.ts';
import type { WaitingBytes } from './waiting-bytes.ts';

export function muxer(
  init: Parameters<typeof yamux>[0],
  tell: (part: MuxerPart, bytes: number) => void = () => {},
  limits: MuxerLimits = defaultMuxerLimits,
  waiting: WaitingBytes | null = null,
): () => StreamMuxerFactory {
  return () => {
    const factory = yamux(init)();
    const create: StreamMuxerFactory['createStreamMuxer'] = (connection) => {
      const yamuxed = factory.createStreamMuxer(connection) as AbstractStreamMuxer;
      const made = counted(bounded(gathered(outliving(sparing(yamuxed))), connection, limits), tell);
      if (waiting) boundTogether(made, connection, waiting);
      if (connection.status !== 'open') made.onTransportClosed();
      return made;
    };
    return Object.create(factory, { createStreamMuxer: { value: create } });
  };
}

/** What a stream of yamux is besides; it tells the other side of room for `recvWindow - recvWindowCapacity` bytes more. */
interface Windowed {
  readonly state: number;
  readonly recvWindow: number;
  readonly recvWindowCapacity: number;
  sendWindowUpdate(): void;
}
/** Nothing but room is told in it: before it, that the stream was taken up as well. */
const establishedState = 3;

/** Who sends has 256 KiB at first, so that it never waits for so little. */
const untoldBytesMax = 16 << 10;

function sparing(yamuxed: AbstractStreamMuxer): AbstractStreamMuxer {
  const create = yamuxed.onCreateStream.bind(yamuxed);
  yamuxed.onCreateStream = (options) => {
    const stream = create(options) as AbstractStream;
    spare(stream);
    return stream;
  };
  const taken = yamuxed.onRemoteStream.bind(yamuxed);
  yamuxed.onRemoteStream = (stream) => {
    spare(stream);
    taken(stream);
  };
  return yamuxed;
}

function spare(stream: AbstractStream): void {
  const windowed = stream as unknown as Windowed;
  const tell = windowed.sendWindowUpdate.bind(stream);
  windowed.sendWindowUpdate = () => {
    const untold = windowed.recvWindow - windowed.recvWindowCapacity;
    // Elsewhere bodies come in bulk, and yamux widens the window of a stream by how soon it is told of.
    if (!isGossip(stream.protocol) || windowed.state !== establishedState || untold >= untoldBytesMax) tell();
  };
}

/** Of what the muxer sends: the bytes on its streams, the headers before them, what it says of the windows of streams, and the rest. */
export type MuxerPart = 'data' | 'headers' | 'windows' | 'pings and ends';

/** https://github.com/hashicorp/yamux/blob/master/spec.md: a version, a type, flags, the stream and a length lead every frame. */
const headerBytes = 12;
const typeOf = (frame: Parameters<AbstractStreamMuxer['send']>[0]): number =>
  frame instanceof Uint8Array ? frame[1]! : frame.get(1);
const partOfType: readonly MuxerPart[] = ['data', 'windows', 'pings and ends', 'pings and ends'];

function counted(
  yamuxed: AbstractStreamMuxer,
  tell: (part: MuxerPart, bytes: number) => void,
): AbstractStreamMuxer {
  const send = yamuxed.send.bind(yamuxed);
  yamuxed.send = (data) => {
    const part = partOfType[typeOf(data)] ?? 'pings and ends';
    if (part === 'data') tell('headers', headerBytes);
    tell(part, data.byteLength - (part === 'data' ? headerBytes : 0));
    return send(data);
  };
  return yamuxed;
}

/** What one connection may cost: of that which nobody reads at the other end, of pings, which say nothing, and of streams that the other end opens. */
export interface MuxerLimits {
  /** What streams send waits in them; this is for what the multiplexer answers by itself. */
  readonly waitingBytesMax: number;
  readonly pings: TokenBucketLimits;
  readonly streams: TokenBucketLimits;
}

/** yamux asks once in 30 s; a stream that is opened and reset takes 24 bytes and 75 us, and requests keep theirs. Guesses. */
export const defaultMuxerLimits: MuxerLimits = {
  waitingBytesMax: 4 << 20,
  pings: { burst: 64, perSecond: 4 },
  streams: { burst: 2_048, perSecond: 128 },
};

const pingType = 2;

/** It answers pings, and streams that are too many, as fast as they come, whether or not anybody reads the answers. */
function bounded(
  yamuxed: AbstractStreamMuxer,
  connection: Parameters<StreamMuxerFactory['createStreamMuxer']>[0],
  { waitingBytesMax, pings, streams }: MuxerLimits,
): AbstractStreamMuxer {
  const answered = new TokenBuckets(pings);
  const opened = new TokenBuckets(streams);
  const take = yamuxed.onRemoteStream.bind(yamuxed);
  const read = yamuxed.onData.bind(yamuxed);
  // What has come from a connection that was cut is still handed over.
  yamuxed.onData = (data) => {
    if (connection.status === 'open') read(data);
  };
  yamuxed.onRemoteStream = (stream) => {
    opened.spend('streams', 1, performance.now());
    if (opened.waitMs('streams', performance.now()) === 0) take(stream);
    else connection.abort(new Error('the peer opens streams faster than anybody needs them'));
  };
  const send = yamuxed.send.bind(yamuxed);
  yamuxed.send = (data) => {
    const isTaken = send(data);
    if (connection.writeBufferLength > waitingBytesMax)
      connection.abort(
        new Error(`the peer reads nothing: ${connection.writeBufferLength} bytes wait for it`),
      );
    if (typeOf(data) === pingType) {
      answered.spend('pings', 1, performance.now());
      if (answered.waitMs('pings', performance.now()) > 0) connection.abort(new Error('the peer only pings'));
    }
    return isTaken;
  };
  return yamuxed;
}

/** With all other connections of the host. */
function boundTogether(
  yamuxed: AbstractStreamMuxer,
  connection: Parameters<StreamMuxerFactory['createStreamMuxer']>[0],
  all: WaitingBytes,
): void {
  all.add(connection, () => yamuxed.streams);
  const send = yamuxed.send.bind(yamuxed);
  yamuxed.send = (data) => {
    const isTaken = send(data);
    all.wrote(connection);
    return isTaken;
  };
  connection.addEventListener('close', () => all.remove(connection));
}

/** Worth a message of noise, whatever else comes: its 18 bytes are a thousandth of it. */
const enoughBytes = 16_384;

/** What is sent in one turn of the event loop is encrypted and sent at once: a small frame costs less than its own message of noise. */
function gathered(yamuxed: AbstractStreamMuxer): AbstractStreamMuxer {
  const send = yamuxed.send.bind(yamuxed);
  const close = yamuxed.close.bind(yamuxed);
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  /** Where the connection takes no more, `send` has told all streams, and a later word of it would be one too many. */
  const flush = (): boolean => {
    if (waitingBytes === 0) return true;
    const together = waiting.length === 1 ? waiting[0]! : concat(waiting, waitingBytes);
    waiting = [];
    waitingBytes = 0;
    return send(together);
  };
  yamuxed.send = (data) => {
    if (data.byteLength >= enoughBytes) {
      flush();
      return send(data);
    }
    if (waitingBytes === 0) setImmediate(flush);
    waiting.push(data.subarray());
    waitingBytes += data.byteLength;
    return waitingBytes < enoughBytes || flush();
  };
  yamuxed.close = async (options) => {
    await close(options);
    flush();
  };
  return yamuxed;
}

/** What goes to a connection that is closed goes nowhere; whoever has streams on it is told by them. */
function outliving(yamuxed: AbstractStreamMuxer): AbstractStreamMuxer {
  const send = yamuxed.send.bind(yamuxed);
  yamuxed.send = (data) => {
    try {
      return send(data);
    } catch (error) {
      if (error instanceof StreamStateError) return true;
      throw error;
    }
  };
  return yamuxed;
}
