/**
 * Hands out run manifests to whoever knows the run id: request = frame with the id, answer = the manifest's
 * bytes or nothing, up to the end of the stream.
 * Everyone who takes part in the run serves it, and the asker checks it against the id, so any stranger will do.
 */
import type { Connection, PeerId, Stream } from '@libp2p/interface';
import { messageStreamToDuplex } from '@libp2p/utils';
import { pipe } from 'it-pipe';
import { concat } from 'uint8arrays/concat';
import { fromString } from 'uint8arrays/from-string';
import { toString as toText } from 'uint8arrays/to-string';
import type { Clock } from '../node/ports.ts';
import { manifestBytesMax } from '../protocol/manifest.ts';
import { type BackoffBounds, backoffMs } from './backoff.ts';
import { FrameError, ManifestUnavailableError } from './errors.ts';
import { FrameParser, framePieces } from './frames.ts';
import type { Host } from './host.ts';
import { peerKeyOf } from './identity.ts';
import { MANIFEST_PROTOCOL, runCid } from './protocols.ts';

/** A CID in base32 has 59 characters. */
const runIdBytesMax = 128;
const PIECE_BYTES = 64 << 10;
const SERVE_TIMEOUT_MS = 10_000;
const PROVIDERS_MAX = 64;
const SEARCH_TIMEOUT_MS = 20_000;
const SEARCH_AGAIN: BackoffBounds = { firstMs: 250, maxMs: 10_000 };

/**
 * Serves manifests until the returned function is called.
 * @param lookup the exact bytes of the manifest of a run, or null for a run that is not ours.
 */
export async function serveManifests(
  host: Host,
  lookup: (runId: string) => Uint8Array | null,
): Promise<() => Promise<void>> {
  async function onStream(stream: Stream): Promise<void> {
    const timer = setTimeout(
      () => stream.abort(new Error('the manifest request took too long')),
      SERVE_TIMEOUT_MS,
    );
    try {
      const duplex = messageStreamToDuplex(stream);
      await pipe(
        duplex,
        async function* (source: AsyncIterable<Chunk>) {
          yield* pieces(lookup(await readRunId(source)) ?? new Uint8Array());
        },
        duplex,
      );
    } catch (error) {
      stream.abort(error instanceof Error ? error : new Error(String(error)));
    } finally {
      clearTimeout(timer);
    }
  }
  await host.libp2p.handle(MANIFEST_PROTOCOL, onStream, { maxInboundStreams: 4, maxOutboundStreams: 4 });
  return async () => host.libp2p.unhandle(MANIFEST_PROTOCOL);
}

export interface FetchManifestOptions<T> {
  readonly host: Host;
  readonly runId: string;
  /** Checks the bytes (`openManifest`) and throws when they lie: then the next provider is asked. */
  readonly open: (bytes: Uint8Array) => T;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  /** Ends the search; without it one goes on until somebody serves the manifest. */
  readonly signal: AbortSignal;
  /** Per provider. */
  readonly timeoutMs?: number;
  /** Told of every provider that failed and why. */
  readonly onFailure?: (provider: string, reason: string) => void;
}

/**
 * Asks the providers of the run's CID one after the other, and searches again with backoff until one of them
 * serves a manifest that holds. @throws ManifestUnavailableError when the signal ends the search.
 */
export async function fetchManifest<T>(options: FetchManifestOptions<T>): Promise<T> {
  const { host, runId, signal } = options;
  let failures = 0;
  let lastReason = 'no provider was found';
  for (let attempt = 0; !signal.aborted; attempt++) {
    const tried = new Set<string>();
    try {
      const search = AbortSignal.any([signal, AbortSignal.timeout(SEARCH_TIMEOUT_MS)]);
      for await (const { id } of host.libp2p.contentRouting.findProviders(runCid(runId), {
        signal: search,
      })) {
        if (id.equals(host.libp2p.peerId) || tried.has(id.toString()) || tried.size >= PROVIDERS_MAX) {
          continue;
        }
        tried.add(id.toString());
        try {
          return options.open(await askForManifest(host, id, runId, options.timeoutMs ?? 10_000, signal));
        } catch (error) {
          failures++;
          lastReason = error instanceof Error ? error.message : String(error);
          options.onFailure?.(peerKeyOf(id) ?? id.toString(), lastReason);
        }
      }
    } catch (error) {
      lastReason = error instanceof Error ? error.message : String(error);
    }
    await waited(options.clock, backoffMs(attempt, SEARCH_AGAIN, options.random), signal);
  }
  throw new ManifestUnavailableError(
    `nobody served the manifest of run ${runId} (${failures} providers failed; last: ${lastReason}). ` +
      'Check the run id and the bootstrap addresses, or pass the manifest as a file',
  );
}

async function askForManifest(
  host: Host,
  provider: PeerId,
  runId: string,
  timeoutMs: number,
  outer: AbortSignal,
): Promise<Uint8Array> {
  const signal = AbortSignal.any([outer, AbortSignal.timeout(timeoutMs)]);
  const connection: Connection = await host.libp2p.dial(provider, { signal });
  const stream = await connection.newStream(MANIFEST_PROTOCOL, { signal });
  const onAbort = () => stream.abort(new Error(`the provider did not answer within ${timeoutMs} ms`));
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
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

type Chunk = Uint8Array | (Iterable<Uint8Array> & { readonly byteLength: number });

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

function waited(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.schedule(clock.nowMs() + ms, done);
    function done(): void {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) {
      done();
    }
  });
}
