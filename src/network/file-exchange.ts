/** Files of a run between its peers: an exchange of its own, open before the run is, with the pace and the bounds of all exchanges. */
import type { PeerId } from '@libp2p/interface';
import type { PeerKey } from '../core/io.ts';
import type { Clock } from '../core/ports.ts';
import { type BackoffBounds, backoffMs } from './backoff.ts';
import { withDeadline } from './deadline.ts';
import { createExchange, type Exchange } from './exchange/exchange.ts';
import type { Host } from './host.ts';
import { peerIdOf, peerKeyOf } from './identity.ts';
import { filesProtocol, runCid } from './protocols.ts';

const searchTimeoutMs = 20_000;
const searchAgain: BackoffBounds = { firstMs: 250, maxMs: 10_000 };
/** Providers heard of in one search. */
const providersMax = 32;
const dialTimeoutMs = 10_000;

export function createFileExchange(
  host: Host,
  runId: string,
  serve: (from: PeerKey, request: Uint8Array) => Promise<readonly Uint8Array[]>,
): Exchange {
  return createExchange({ host, runId, serve, protocol: filesProtocol(runId), onEvent: () => {} });
}

export interface HolderSearch {
  readonly host: Host;
  readonly runId: string;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** Whom to try first: the lower the sooner. */
  readonly rankOf: (peer: PeerKey) => number;
}

/** Peers of the run that are connected now, as the DHT names them: each search anew, with pauses, until the signal ends it. */
export async function* holdersOf({
  host,
  runId,
  clock,
  random,
  signal,
  rankOf,
}: HolderSearch): AsyncGenerator<PeerKey> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    const found: PeerId[] = [];
    const search = async (inTime: AbortSignal) => {
      for await (const { id } of host.libp2p.contentRouting.findProviders(runCid(runId), {
        signal: inTime,
      })) {
        if (!id.equals(host.libp2p.peerId) && found.length < providersMax) found.push(id);
      }
    };
    await withDeadline(searchTimeoutMs, 'the DHT search did not end', [signal], search).catch(() => {});
    const keys = found.flatMap((id) => peerKeyOf(id) ?? []);
    for (const key of keys.sort((one, other) => rankOf(one) - rankOf(other))) {
      if (signal.aborted) break;
      const dial = (inTime: AbortSignal) => host.libp2p.dial(peerIdOf(key), { signal: inTime });
      const isThere = await withDeadline(dialTimeoutMs, 'the peer cannot be reached', [signal], dial).then(
        () => true,
        () => false,
      );
      if (isThere) yield key;
    }
    if (!signal.aborted) await waited(clock, backoffMs(attempt, searchAgain, random), signal);
  }
}

function waited(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.schedule(clock.nowMs() + ms, done);
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}
