/** Looks for peers of a run before we take part in it: whoever provides its CID will do. */
import type { PeerId } from '@libp2p/interface';
import type { Clock } from '../core/ports.ts';
import { type BackoffBounds, backoffMs } from './backoff.ts';
import { withDeadline } from './deadline.ts';
import type { Host } from './host.ts';
import { runCid } from './protocols.ts';

const searchTimeoutMs = 20_000;
const searchAgain: BackoffBounds = { firstMs: 250, maxMs: 10_000 };
/** Heard of in one search. */
const providersMax = 32;

export interface ProviderSearch {
  readonly host: Host;
  readonly runId: string;
  readonly signal: AbortSignal;
  /** Called for each as it is found, ourselves left out. */
  readonly onProvider: (id: PeerId) => void;
}

/** One search of the DHT. @throws where it does not end in time; the reason of the signal */
export async function searchProviders({ host, runId, signal, onProvider }: ProviderSearch): Promise<void> {
  await withDeadline(searchTimeoutMs, 'the DHT search did not end', [signal], async (inTime) => {
    let found = 0;
    for await (const { id } of host.libp2p.contentRouting.findProviders(runCid(runId), { signal: inTime })) {
      if (id.equals(host.libp2p.peerId) || found >= providersMax) continue;
      found++;
      onProvider(id);
    }
  });
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
