/**
 * The way into the network: dials the listed bootstrap nodes until one answers, and again whenever none of
 * them is connected, with backoff and for ever. A node that knows other peers does not need them any more,
 * but keeps trying quietly: that is how two halves of a network that lost its bootstraps meet again.
 */
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { type BackoffBounds, backoffMs } from '../../core/backoff.ts';
import type { Clock } from '../../core/ports.ts';
import { jitteredMs } from '../backoff.ts';
import { withDeadline } from '../deadline.ts';
import type { NetworkEventListener } from '../events.ts';
import type { Host } from '../host/host.ts';
import { type Recurring, startRecurring } from '../recurring.ts';

/** Guesses, all of them; milliseconds. */
const DIAL_TIMEOUT_MS = 5_000;
const CHECK_INTERVAL_MS = 5_000;
const RETRY: BackoffBounds = { firstMs: 500, maxMs: 60_000 };

export interface Bootstraps {
  start(): void;
  stop(): Promise<void>;
}

export interface BootstrapsOptions {
  readonly host: Host;
  /** Multiaddrs, with or without `/p2p/<id>`. Ours among them is left out; an empty list is allowed. */
  readonly addresses: readonly string[];
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly onEvent: NetworkEventListener;
  readonly retry?: BackoffBounds;
}

/** @throws when an address is no multiaddr. */
export function createBootstraps(options: BootstrapsOptions): Bootstraps {
  const { host, clock, random, onEvent } = options;
  const retry = options.retry ?? RETRY;
  const addresses = options.addresses.map((address) => multiaddr(address));
  let task: Recurring | null = null;
  let attempt = 0;
  /** Addresses without an id show only after a dial who lives there. */
  const connectedThrough = new Map<string, string>();

  let isTold = false;

  /** A directory that was copied has the key along with the address of the node that it is a copy of. */
  function tellOfOurKey(): void {
    const here = new Set(host.possibleAddresses());
    if (isTold || addresses.length === 0 || addresses.some((address) => here.has(address.toString()))) return;
    isTold = true;
    onEvent({ kind: 'bootstraps-have-our-key', addresses: addresses.map(String) });
  }

  async function contact(signal: AbortSignal): Promise<number> {
    const others = addresses.filter((address) => !isOurs(host, address));
    if (others.length === 0) tellOfOurKey();
    if (others.length === 0 || others.some(isConnected)) {
      attempt = 0;
      return jitteredMs(CHECK_INTERVAL_MS, random);
    }
    const answers = await Promise.all(others.map((address) => dial(address, signal)));
    if (answers.some((answered) => answered)) {
      attempt = 0;
      return jitteredMs(CHECK_INTERVAL_MS, random);
    }
    attempt++;
    if (!signal.aborted && host.libp2p.getPeers().length === 0) {
      onEvent({ kind: 'no-bootstrap-answers', addresses: others.map(String), attempt });
    }
    return backoffMs(attempt - 1, retry, random);
  }

  async function dial(address: Multiaddr, signal: AbortSignal): Promise<boolean> {
    try {
      const connection = await withDeadline(DIAL_TIMEOUT_MS, 'no connection', [signal], (inTime) =>
        host.libp2p.dial(address, { signal: inTime }),
      );
      connectedThrough.set(address.toString(), connection.remotePeer.toString());
      onEvent({ kind: 'bootstrap-answered', address: address.toString() });
      return true;
    } catch {
      return false;
    }
  }

  function isConnected(address: Multiaddr): boolean {
    const peer = peerOf(address) ?? connectedThrough.get(address.toString());
    return peer !== undefined && host.libp2p.getPeers().some((connected) => connected.toString() === peer);
  }

  return {
    start() {
      task ??= startRecurring(clock, 0, contact);
    },
    async stop() {
      await task?.stop();
      task = null;
    },
  };
}

function isOurs(host: Host, address: Multiaddr): boolean {
  return peerOf(address) === host.libp2p.peerId.toString();
}

function peerOf(address: Multiaddr): string | undefined {
  return address.getComponents().findLast((component) => component.name === 'p2p')?.value;
}
