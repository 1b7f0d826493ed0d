/**
 * One question about a run and its answer, on one stream: a frame with the run id, or with what stands for it where the run is hidden, then
 * bytes up to the end, or none.
 */

import type { Connection, PeerId, Stream } from '@libp2p/interface';
import { messageStreamToDuplex } from '@libp2p/utils';
import { pipe } from 'it-pipe';
import { concat } from 'uint8arrays/concat';
import { fromString } from 'uint8arrays/from-string';
import { toString as toText } from 'uint8arrays/to-string';
import { asError } from '../../core/as-error.ts';
import type { PeerKey } from '../../core/io.ts';
import { raced } from '../../platform/node/raced.ts';
import { withDeadline } from '../deadline.ts';
import { FrameError } from '../errors.ts';
import type { HiddenRun } from '../hidden-run.ts';
import type { Host } from '../host/host.ts';
import { peerKeyOf } from '../identity.ts';
import { FrameParser, framePieces } from './frames.ts';

/** A CID in base32 has 59 characters, a question about a hidden run 64. */
const questionBytesMax = 128;
const PIECE_BYTES = 64 << 10;

type Chunk = Uint8Array | (Iterable<Uint8Array> & { readonly byteLength: number });

/** Who asks, and about what. */
interface Asking {
  readonly host: Pick<Host, 'key' | 'libp2p'>;
  readonly runId: string;
  readonly hidden?: HiddenRun | undefined;
}

interface RunQuestion {
  readonly protocol: string;
  /** Of the answer. */
  readonly bytesMax: number;
  readonly timeoutMs: number;
}

/** The bytes that one peer answers with; none: it knows nothing of it. @throws Error where it is silent or sends too much */
export function askAboutRun(
  asking: Asking,
  peer: PeerId,
  question: RunQuestion,
  outer: AbortSignal,
): Promise<Uint8Array> {
  return withDeadline(question.timeoutMs, 'the peer did not answer', [outer], (signal) =>
    // A stream that ended before it was listened to stays silent, also when it is aborted: nodes hung so when they were to stop.
    raced(answerOf(asking, peer, question, signal), signal),
  );
}

async function answerOf(
  asking: Asking,
  peer: PeerId,
  { protocol, bytesMax }: RunQuestion,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const text = questionOf(asking, peer, protocol);
  const connection = await asking.host.libp2p.dial(peer, { signal });
  const stream = await connection.newStream(protocol, { runOnLimitedConnection: true, signal });
  signal.addEventListener('abort', () => stream.abort(signal.reason), { once: true });
  try {
    return await pipe(
      framePieces(new Uint8Array(), [fromString(text)]),
      messageStreamToDuplex(stream),
      (source: AsyncIterable<Chunk>) => collect(source, bytesMax),
    );
  } catch (error) {
    stream.abort(asError(error));
    throw error;
  }
}

/** @throws Error where a peer can be no member of a hidden run */
function questionOf({ host, runId, hidden }: Asking, peer: PeerId, protocol: string): string {
  if (hidden === undefined) return runId;
  const to = peerKeyOf(peer);
  if (to === null) throw new Error('only Ed25519 peers take part');
  return hidden.question(protocol, host.key, to);
}

/** What a question is answered with; null for a run that is not ours, or not to be seen by who asks. */
export type RunAnswer = (question: string, from: PeerKey | null) => Uint8Array | null;

const SERVE_TIMEOUT_MS = 10_000;

/**
 * Answers such questions until the returned function is called; once a host and protocol at a time.
 * @param lookup asked anew each time, since runs come and go
 */
export async function serveAboutRuns(
  host: Host,
  protocol: string,
  lookup: RunAnswer,
): Promise<() => Promise<void>> {
  async function onStream(stream: Stream, connection: Connection): Promise<void> {
    const timer = setTimeout(() => stream.abort(new Error('the question took too long')), SERVE_TIMEOUT_MS);
    try {
      const from = peerKeyOf(connection.remotePeer);
      await answer(stream, (question) => lookup(question, from));
    } catch (error) {
      stream.abort(asError(error));
    } finally {
      clearTimeout(timer);
    }
  }
  await host.libp2p.handle(protocol, onStream, {
    runOnLimitedConnection: true,
    maxInboundStreams: 4,
    maxOutboundStreams: 4,
  });
  return async () => host.libp2p.unhandle(protocol);
}

async function answer(stream: Stream, lookup: (question: string) => Uint8Array | null): Promise<void> {
  const duplex = messageStreamToDuplex(stream);
  await pipe(
    duplex,
    async function* (source: AsyncIterable<Chunk>) {
      yield* pieces(lookup(await readQuestion(source)) ?? new Uint8Array());
    },
    duplex,
  );
}

/** A frame and not the bytes up to the end: that end may come before the handler listens for it. */
async function readQuestion(source: AsyncIterable<Chunk>): Promise<string> {
  const parser = new FrameParser('request', { bytesMax: questionBytesMax, framesMax: 1 });
  for await (const chunk of source) {
    for (const part of chunk instanceof Uint8Array ? [chunk] : chunk) {
      parser.push(part);
    }
    if (parser.done) {
      return toText(parser.result().frames[0]!);
    }
  }
  throw new FrameError('FRAME_TRUNCATED', 'the stream ended within the request');
}

/** @throws FrameError before it keeps more than `bytesMax`. */
async function collect(source: AsyncIterable<Chunk>, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of source) {
    total += chunk.byteLength;
    if (total > bytesMax) {
      throw new FrameError('FRAME_TOO_LARGE', `more than ${bytesMax} bytes came`);
    }
    parts.push(...(chunk instanceof Uint8Array ? [chunk] : chunk));
  }
  return concat(parts, total);
}

function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
    yield bytes.subarray(start, start + PIECE_BYTES);
  }
}
