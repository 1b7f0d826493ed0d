/**
 * Hands out run manifests to whoever knows the run id: request = frame with the id, answer = the manifest's
 * bytes or nothing, up to the end of the stream.
 * Everyone who takes part in the run serves it, and the asker checks it against the id, so any stranger will do.
 */
import type { PeerId, Stream } from '@libp2p/interface';
import { messageStreamToDuplex } from '@libp2p/utils';
import { pipe } from 'it-pipe';
import { concat } from 'uint8arrays/concat';
import { fromString } from 'uint8arrays/from-string';
import { toString as toText } from 'uint8arrays/to-string';
import type { Clock } from '../core/ports.ts';
import { manifestBytesMax } from '../run/manifest.ts';
import { type BackoffBounds, backoffMs } from './backoff.ts';
import { withDeadline } from './deadline.ts';
import { FrameError, ManifestUnavailableError } from './errors.ts';
import { FrameParser, framePieces } from './exchange/frames.ts';
import type { Host } from './host.ts';
import { peerKeyOf } from './identity.ts';
import { MANIFEST_PROTOCOL, runCid } from './protocols.ts';

/** A CID in base32 has 59 characters. */
const runIdBytesMax = 128;
const PIECE_BYTES = 64 << 10;
const SERVE_TIMEOUT_MS = 10_000;
const PROVIDER_TIMEOUT_MS = 10_000;
/** Per search; each may send a manifest of up to 1 MiB before it is found out. */
const PROVIDERS_MAX = 32;
const SEARCH_TIMEOUT_MS = 20_000;
const SEARCH_AGAIN: BackoffBounds = { firstMs: 250, maxMs: 10_000 };

/**
 * Serves the manifests of all runs of a host until the returned function is called; once a host at a time.
 * @param lookup asked anew each time, since runs come and go: the exact bytes of the manifest of a run, or null
 *   for one that is not ours.
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
  await host.libp2p.handle(MANIFEST_PROTOCOL, onStream, {
    runOnLimitedConnection: true,
    maxInboundStreams: 4,
    maxOutboundStreams: 4,
  });
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
 * Asks the providers of the run's CID as they are found, and searches again with backoff until one of them
 * serves a manifest that holds. @throws ManifestUnavailableError when the signal ends the search.
 */
export async function fetchManifest<T>(options: FetchManifestOptions<T>): Promise<T> {
  const { host, runId, signal } = options;
  const timeoutMs = options.timeoutMs ?? PROVIDER_TIMEOUT_MS;
  let failures = 0;
  let lastReason = 'no provider was found';

  async function ask(provider: PeerId, over: AbortController): Promise<T> {
    try {
      const manifest = options.open(await askForManifest(host, provider, runId, timeoutMs, over.signal));
      over.abort();
      return manifest;
    } catch (error) {
      if (!over.signal.aborted) {
        failures++;
        lastReason = reasonOf(error);
        options.onFailure?.(peerKeyOf(provider) ?? provider.toString(), lastReason);
      }
      throw error;
    }
  }

  /** All at once: the slow and the mute among them must not hold up the one that answers. */
  async function askAll(over: AbortController): Promise<{ readonly manifest: T } | null> {
    const asked: Promise<T>[] = [];
    try {
      await withDeadline(SEARCH_TIMEOUT_MS, 'the DHT search did not end', [over.signal], async (inTime) => {
        for await (const { id } of host.libp2p.contentRouting.findProviders(runCid(runId), {
          signal: inTime,
        })) {
          if (!id.equals(host.libp2p.peerId) && asked.length < PROVIDERS_MAX) {
            const asking = ask(id, over);
            asking.catch(() => {});
            asked.push(asking);
          }
        }
      });
    } catch (error) {
      if (!over.signal.aborted) {
        lastReason = reasonOf(error);
      }
    }
    return Promise.any(asked).then(
      (manifest) => ({ manifest }),
      () => null,
    );
  }

  for (let attempt = 0; !signal.aborted; attempt++) {
    const over = new AbortController();
    const onAbort = () => over.abort();
    signal.addEventListener('abort', onAbort, { once: true });
    const answer = await askAll(over);
    signal.removeEventListener('abort', onAbort);
    if (answer !== null) {
      return answer.manifest;
    }
    await waited(options.clock, backoffMs(attempt, SEARCH_AGAIN, options.random), signal);
  }
  throw new ManifestUnavailableError(
    `nobody served the manifest of run ${runId} (${failures} providers failed; last: ${lastReason}). ` +
      'Check the run id and the bootstrap addresses, or pass the manifest as a file',
  );
}

/** The bytes of the manifest that one provider serves. @throws Error where it has none, is silent or sends too much */
export function askForManifest(
  host: Host,
  provider: PeerId,
  runId: string,
  timeoutMs: number,
  outer: AbortSignal,
): Promise<Uint8Array> {
  return withDeadline(timeoutMs, 'the provider did not answer', [outer], async (signal) => {
    const connection = await host.libp2p.dial(provider, { signal });
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

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
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
