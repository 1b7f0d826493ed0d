/**
 * Finds the peers of a run without a server: every peer says in the DHT that it provides the run's CID, and
 * looks for the others that do. Both are repeated for ever, since records live on peers that come and go.
 */

import type { PeerId } from '@libp2p/interface';
import { reasonOf } from '../../core/as-error.ts';
import type { BackoffBounds } from '../../core/backoff.ts';
import type { PeerKey } from '../../core/io.ts';
import type { Clock } from '../../core/ports.ts';
import { GrowingPauses, jitteredMs } from '../backoff.ts';
import { withDeadline } from '../deadline.ts';
import type { NetworkEventListener } from '../events.ts';
import type { HiddenRun } from '../hidden-run.ts';
import type { Host } from '../host/host.ts';
import { peerKeyOf } from '../identity.ts';
import { type Recurring, startRecurring } from '../recurring.ts';
import { askProviders } from './provider-search.ts';
import { defaultProvidePauses, dhtQueryTimeoutMs, Providing } from './providing.ts';

/** How often, in milliseconds. Guesses but for the timeouts (measured: provide 0.6 s, first provider 0.2 s). */
export interface DiscoveryTiming {
  readonly provide: BackoffBounds;
  /** While peers are missing. */
  readonly find: BackoffBounds;
  /** While there are enough; and no seldomer where all that are found are linked already: in a small network peers are missing for ever. */
  readonly findWhenEnoughMs: number;
  /** While the run is over here and somebody of it is linked. Who needs what we have finds us. */
  readonly findAtRestMs: number;
  readonly queryTimeoutMs: number;
}

const defaultDiscoveryTiming: DiscoveryTiming = {
  provide: defaultProvidePauses,
  find: { firstMs: 500, maxMs: 15_000 },
  findWhenEnoughMs: 60_000,
  findAtRestMs: 300_000,
  queryTimeoutMs: dhtQueryTimeoutMs,
};

/** A peer that comes and goes must not keep us searching without a pause. */
const SEARCH_GAP_MS = 1_000;
/** Providers told of in one search; the DHT asks nobody else once it has heard of 20. */
const providersPerSearchMax = 64;

export interface Discovery {
  start(): void;
  /** Searches soon: a link was lost. */
  hurry(): void;
  stop(): Promise<void>;
}

export interface DiscoveryOptions {
  readonly host: Host;
  readonly runId: string;
  /** Where strangers must not see the run. */
  readonly hidden?: HiddenRun | undefined;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly onEvent: NetworkEventListener;
  /** Called for every provider found, ourselves left out; libp2p knows its addresses by then. */
  readonly onPeer: (peer: PeerKey) => void;
  readonly isLinked: (peer: PeerKey) => boolean;
  readonly peersMissing: () => boolean;
  readonly isAtRest: () => boolean;
  readonly timing?: DiscoveryTiming;
}

export function createDiscovery(options: DiscoveryOptions): Discovery {
  return new RunDiscovery(options);
}

class RunDiscovery implements Discovery {
  readonly #options: DiscoveryOptions;
  readonly #timing: DiscoveryTiming;
  readonly #providing: Providing;
  #finding: Recurring | null = null;
  /** Since peers went missing. */
  readonly #searches: GrowingPauses;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#timing = options.timing ?? defaultDiscoveryTiming;
    const { provide: pauses, find, findWhenEnoughMs, queryTimeoutMs } = this.#timing;
    this.#providing = new Providing({ ...options, pauses, queryTimeoutMs });
    this.#searches = new GrowingPauses(find, findWhenEnoughMs, options.random);
  }

  start(): void {
    this.#providing.start();
    this.#finding ??= startRecurring(this.#options.clock, SEARCH_GAP_MS, (signal) => this.#find(signal));
  }

  hurry(): void {
    this.#searches.reset();
    this.#finding?.hurry();
  }

  async stop(): Promise<void> {
    const finding = this.#finding;
    this.#finding = null;
    await Promise.all([this.#providing.stop(), finding?.stop()]);
  }

  async #find(signal: AbortSignal): Promise<number> {
    const { onEvent, random, peersMissing, isAtRest } = this.#options;
    let isVain = false;
    try {
      const { told, linked } = await this.#queried(signal, (inTime) => this.#askForProviders(inTime));
      isVain = told > 0 && linked === told;
      onEvent({ kind: 'providers-found', providers: told });
    } catch (error) {
      if (signal.aborted) {
        return 0;
      }
      onEvent({ kind: 'find-failed', reason: reasonOf(error) });
    }
    if (!peersMissing()) {
      this.#searches.reset();
      const { findAtRestMs, findWhenEnoughMs } = this.#timing;
      return jitteredMs(isAtRest() ? findAtRestMs : findWhenEnoughMs, random);
    }
    return this.#searches.after(isVain);
  }

  /** Resolves to the number of providers told, and of those that were linked. */
  async #askForProviders(signal: AbortSignal): Promise<{ readonly told: number; readonly linked: number }> {
    const { host, runId, hidden, random, onPeer, isLinked } = this.#options;
    let linked = 0;
    const isKnown = (id: PeerId): boolean => {
      const key = peerKeyOf(id);
      return key !== null && isLinked(key);
    };
    const onProvider = (id: PeerId): void => {
      const key = peerKeyOf(id);
      if (key === null) return;
      if (isLinked(key)) linked++;
      onPeer(key);
    };
    const query = { host, runId, hidden, signal, random, onProvider, isKnown };
    const told = await askProviders(query, providersPerSearchMax);
    return { told, linked };
  }

  #queried<T>(signal: AbortSignal, query: (inTime: AbortSignal) => Promise<T>): Promise<T> {
    return withDeadline(this.#timing.queryTimeoutMs, 'the DHT gave no answer', [signal], query);
  }
}
