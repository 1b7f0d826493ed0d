/** Looks for peers of a run before we take part in it: whoever provides its CID will do. */
import type { PeerId } from '@libp2p/interface';
import { pickRandom } from '../core/pick-random.ts';
import type { Clock } from '../core/ports.ts';
import { type BackoffBounds, backoffMs } from './backoff.ts';
import { withDeadline } from './deadline.ts';
import type { HiddenRun } from './hidden-run.ts';
import type { Host } from './host.ts';
import { runCid } from './protocols.ts';

const searchTimeoutMs = 20_000;
const searchAgain: BackoffBounds = { firstMs: 250, maxMs: 10_000 };
/** Told of in one search. */
const providersMax = 32;
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
}

/**
 * Asks the DHT once and tells of `most` providers, ourselves left out: a quarter of them as they come, and of the others such as are
 * drawn. A record costs a stranger no more than a key, and records stand in the order in which they were made: by that order the oldest
 * would hide all others. Resolves to how many were told. @throws as the DHT, after what was heard is told
 */
export async function askProviders(query: ProviderQuery, most: number): Promise<number> {
  const { host, runId, hidden, signal, random, onProvider } = query;
  const cid = hidden?.cid ?? runCid(runId);
  const waiting: PeerId[] = [];
  let told = 0;
  try {
    for await (const { id } of host.libp2p.contentRouting.findProviders(cid, { signal })) {
      if (id.equals(host.libp2p.peerId)) continue;
      if (told < most / 4) {
        told++;
        onProvider(id);
      } else if (waiting.push(id) >= gatheredMax) break;
    }
  } finally {
    for (const id of pickRandom(waiting, most - told, random)) {
      told++;
      onProvider(id);
    }
  }
  return told;
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
  return new Promise((resolve) => {
    const cancel = clock.schedule(clock.nowMs() + backoffMs(attempt, searchAgain, random), done);
    function done(): void {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}
