/** Looks for peers of a run before we take part in it: whoever provides its CID will do. */
import type { PeerId } from '@libp2p/interface';
import type { PeerResponseEvent } from '@libp2p/kad-dht';
import { type BackoffBounds, backoffMs } from '../../core/backoff.ts';
import { pickRandom } from '../../core/pick-random.ts';
import type { Clock } from '../../core/ports.ts';
import { withDeadline } from '../deadline.ts';
import type { HiddenRun } from '../hidden-run.ts';
import type { Host } from '../host/host.ts';
import { runCid } from '../protocols.ts';

const searchTimeoutMs = 20_000;
const searchAgain: BackoffBounds = { firstMs: 250, maxMs: 10_000 };
/** Told of in one search. */
const providersMax = 32;
/** Peers that know of the same providers as we do, and of no others, before we ask no more of them. One or two may have something to hide. */
const answersInVainMax = 3;
/** Kept of one query, to draw from. */
const gatheredMax = 1_024;

export interface ProviderQuery {
  readonly host: Host;
  readonly runId: string;
  /** Where strangers must not see the run. */
  readonly hidden?: HiddenRun | undefined;
  /** Ends it, in time. */
  readonly signal: AbortSignal;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly onProvider: (id: PeerId) => void;
  /** We have it already: a search that leads to nobody else is over when some agree. None where not given. */
  readonly isKnown?: (id: PeerId) => boolean;
}

/**
 * Asks the DHT once and tells of `most` providers, ourselves left out: a quarter of them as they come, and of the others such as are
 * drawn. A record costs a stranger no more than a key, and records stand in the order in which they were made: by that order the oldest
 * would hide all others. Resolves to how many were told. @throws as the DHT, after what was heard is told
 */
export async function askProviders(query: ProviderQuery, most: number): Promise<number> {
  const { host, runId, hidden, random, onProvider } = query;
  const cid = hidden?.cid ?? runCid(runId);
  const waiting: PeerId[] = [];
  let told = 0;
  const { signal, inVain, onProgress } = endingInVain(query);
  try {
    for await (const { id } of host.libp2p.contentRouting.findProviders(cid, { signal, onProgress })) {
      if (id.equals(host.libp2p.peerId)) continue;
      if (told < most / 4) {
        told++;
        onProvider(id);
      } else if (waiting.push(id) >= gatheredMax) break;
    }
  } catch (error) {
    if (!inVain.aborted) throw error;
  } finally {
    for (const id of pickRandom(waiting, most - told, random)) {
      told++;
      onProvider(id);
    }
  }
  return told;
}

/** Ends a query once enough of those who were asked have told of providers, and all of them only of such as are known. */
function endingInVain({ host, signal, isKnown = () => false }: ProviderQuery): {
  readonly signal: AbortSignal;
  readonly inVain: AbortSignal;
  readonly onProgress: (event: { readonly type: string }) => void;
} {
  const over = new AbortController();
  let answers = 0;
  let isNews = false;
  const onProgress = (event: { readonly type: string }): void => {
    if (event.type !== 'kad-dht:query:peer-response') return;
    const { providers } = (event as CustomEvent<PeerResponseEvent>).detail;
    if (providers.length === 0) return;
    isNews ||= providers.some(({ id }) => !id.equals(host.libp2p.peerId) && !isKnown(id));
    if (!isNews && ++answers >= answersInVainMax) over.abort();
  };
  return { signal: AbortSignal.any([signal, over.signal]), inVain: over.signal, onProgress };
}

/** One search of the DHT. @throws where it does not end in time; the reason of the signal */
export async function searchProviders(query: ProviderQuery): Promise<void> {
  await withDeadline(searchTimeoutMs, 'the DHT search did not end', [query.signal], (signal) =>
    askProviders({ ...query, signal }, providersMax),
  );
}

export interface SearchPause {
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/** Before the next search, the longer the more there were; ends with the signal. */
export function pauseAfter(attempt: number, { clock, random, signal }: SearchPause): Promise<void> {
  return pauseOf(backoffMs(attempt, searchAgain, random), { clock, signal });
}

/** Ends with the signal, too. */
export function pauseOf(ms: number, { clock, signal }: Pick<SearchPause, 'clock' | 'signal'>): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.schedule(clock.nowMs() + ms, done);
    function done(): void {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}
