/**
 * Finds the peers of a run without a server: every peer says in the DHT that it provides the run's CID, and
 * looks for the others that do. Both are repeated for ever, since records live on peers that come and go.
 */

import type { PeerKey } from '../core/io.ts';
import type { Clock } from '../core/ports.ts';
import { type BackoffBounds, backoffMs, jitteredMs } from './backoff.ts';
import { withDeadline } from './deadline.ts';
import type { NetworkEventListener } from './events.ts';
import type { Host } from './host.ts';
import { peerKeyOf } from './identity.ts';
import { runCid } from './protocols.ts';
import { type Recurring, startRecurring } from './recurring.ts';

/** How often, in milliseconds. Guesses but for the timeouts (measured: provide 0.6 s, first provider 0.2 s). */
export interface DiscoveryTiming {
  /** From the first record on: while the network is young the record must reach peers that join it. */
  readonly provide: BackoffBounds;
  /** While peers are missing. */
  readonly find: BackoffBounds;
  /** While there are enough. */
  readonly findWhenEnoughMs: number;
  readonly queryTimeoutMs: number;
}

export const defaultDiscoveryTiming: DiscoveryTiming = {
  provide: { firstMs: 2_000, maxMs: 600_000 },
  find: { firstMs: 500, maxMs: 15_000 },
  findWhenEnoughMs: 60_000,
  queryTimeoutMs: 20_000,
};

/** Providers looked at in one search; the DHT itself stops near its bucket size of 20. */
const providersPerSearchMax = 64;

export interface Discovery {
  start(): void;
  /** Searches now: a link was lost. */
  hurry(): void;
  stop(): Promise<void>;
}

export interface DiscoveryOptions {
  readonly host: Host;
  readonly runId: string;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly onEvent: NetworkEventListener;
  /** Called for every provider found, ourselves left out; libp2p knows its addresses by then. */
  readonly onPeer: (peer: PeerKey) => void;
  readonly peersMissing: () => boolean;
  readonly timing?: DiscoveryTiming;
}

export function createDiscovery(options: DiscoveryOptions): Discovery {
  const { host, clock, random, onEvent } = options;
  const timing = options.timing ?? defaultDiscoveryTiming;
  const cid = runCid(options.runId);
  let tasks: readonly Recurring[] = [];
  let provided = 0;
  let searches = 0;

  async function provide(signal: AbortSignal): Promise<number> {
    try {
      const holders = await queried(signal, putRecord);
      onEvent({ kind: 'provided', holders });
    } catch (error) {
      if (signal.aborted) {
        return 0;
      }
      onEvent({ kind: 'provide-failed', reason: reasonOf(error) });
    }
    return backoffMs(provided++, timing.provide, random);
  }

  async function find(signal: AbortSignal): Promise<number> {
    try {
      const providers = await queried(signal, askForProviders);
      onEvent({ kind: 'providers-found', providers });
    } catch (error) {
      if (signal.aborted) {
        return 0;
      }
      onEvent({ kind: 'find-failed', reason: reasonOf(error) });
    }
    if (!options.peersMissing()) {
      searches = 0;
      return jitteredMs(timing.findWhenEnoughMs, random);
    }
    return backoffMs(searches++, timing.find, random);
  }

  async function putRecord(signal: AbortSignal): Promise<number> {
    let holders = 0;
    for await (const event of host.libp2p.services.dht.provide(cid, { signal })) {
      // The same query first asks for the closest peers: count only the answers to the record itself.
      if (event.name === 'PEER_RESPONSE' && event.messageName === 'ADD_PROVIDER') {
        holders++;
      }
    }
    return holders;
  }

  async function askForProviders(signal: AbortSignal): Promise<number> {
    let providers = 0;
    for await (const provider of host.libp2p.contentRouting.findProviders(cid, { signal })) {
      const key = peerKeyOf(provider.id);
      if (key === null || key === host.key) {
        continue;
      }
      options.onPeer(key);
      if (++providers >= providersPerSearchMax) {
        break;
      }
    }
    return providers;
  }

  function queried(signal: AbortSignal, query: (inTime: AbortSignal) => Promise<number>): Promise<number> {
    return withDeadline(timing.queryTimeoutMs, 'the DHT gave no answer', [signal], query);
  }

  return {
    start() {
      if (tasks.length === 0) {
        tasks = [startRecurring(clock, provide), startRecurring(clock, find)];
      }
    },
    hurry() {
      searches = 0;
      tasks[1]?.hurry();
    },
    async stop() {
      await Promise.all(tasks.map((task) => task.stop()));
      tasks = [];
    },
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
