/** One question for a manifest and its answer, on one stream. */
import type { Libp2p, PeerId, Stream } from '@libp2p/interface';
import { messageStreamToDuplex } from '@libp2p/utils';
import { pipe } from 'it-pipe';
import { concat } from 'uint8arrays/concat';
import { fromString } from 'uint8arrays/from-string';
import { toString as toText } from 'uint8arrays/to-string';
import { manifestBytesMax } from '../run/manifest.ts';
import { withDeadline } from './deadline.ts';
import { FrameError } from './errors.ts';
import { FrameParser, framePieces } from './exchange/frames.ts';
import { MANIFEST_PROTOCOL } from './protocols.ts';

/** A CID in base32 has 59 characters. */
const runIdBytesMax = 128;
const PIECE_BYTES = 64 << 10;

type Chunk = Uint8Array | (Iterable<Uint8Array> & { readonly byteLength: number });

/** The bytes of the manifest that one provider serves. @throws Error where it has none, is silent or sends too much */
export function askForManifest(
  libp2p: Libp2p,
  provider: PeerId,
  runId: string,
  timeoutMs: number,
  outer: AbortSignal,
): Promise<Uint8Array> {
  return withDeadline(timeoutMs, 'the provider did not answer', [outer], async (signal) => {
    const connection = await libp2p.dial(provider, { signal });
    const stream = await connection.newStream(MANIFEST_PROTOCOL, { runOnLimitedConnection: true, signal });
    const onAbort = () => stream.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const bytes = await pipe(
        framePieces(new Uint8Array(), [fromString(runId)]),
        messageStreamToDuplex(stream),
        (source: AsyncIterable<Chunk>) => collect(source, manifestBytesMax),
      );
      if (bytes.length === 0) {
        throw new Error('the provider does not have it yet');
      }
      return bytes;
    } catch (error) {
      stream.abort(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  });
}

/** Answers one question. @param lookup the manifest's bytes, or null for a run that is not ours */
export async function answerForManifest(
  stream: Stream,
  lookup: (runId: string) => Uint8Array | null,
): Promise<void> {
  const duplex = messageStreamToDuplex(stream);
  await pipe(
    duplex,
    async function* (source: AsyncIterable<Chunk>) {
      yield* pieces(lookup(await readRunId(source)) ?? new Uint8Array());
    },
    duplex,
  );
}

/** A frame and not the bytes up to the end: that end may come before the handler listens for it. */
async function readRunId(source: AsyncIterable<Chunk>): Promise<string> {
  const parser = new FrameParser('request', { bytesMax: runIdBytesMax, framesMax: 1 });
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
