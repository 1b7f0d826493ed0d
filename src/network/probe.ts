/** What comes of dialling an address, step by step, for people who want to know why nobody answers there. */

import { lookup } from 'node:dns/promises';
import type { PeerId } from '@libp2p/interface';
import { CODE_P2P, type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { reasonOf } from '../core/as-error.ts';
import type { PeerKey } from '../core/io.ts';
import type { Clock } from '../core/ports.ts';
import { withDeadline } from './deadline.ts';
import { pauseAfter, searchProviders } from './discovery/provider-search.ts';
import { askClock, type ClockClaim } from './exchange/clock-exchange.ts';
import type { HiddenRun } from './hidden-run.ts';
import { tcpPartsOf } from './host/address-parts.ts';
import { createHost, type Host } from './host/host.ts';
import { identityFromSeed, peerKeyOf } from './identity.ts';
import { nodeProfile } from './profiles/node-profile.ts';
import { relayTransport } from './profiles/relays.ts';
import { type PortOutcome, portOutcome } from './profiles/tcp-port.ts';

export type ProbeOutcome =
  | { readonly kind: 'answers'; readonly peerId: string }
  /** The name leads nowhere. */
  | { readonly kind: 'no-name'; readonly reason: string }
  | PortOutcome
  /** A node answers, and it is another one than the address says. */
  | { readonly kind: 'other-key'; readonly peerId: string }
  /** Something listens that is no node of ours. */
  | { readonly kind: 'no-node'; readonly reason: string };

export interface Probe {
  readonly address: string;
  readonly outcome: ProbeOutcome;
}

/** Somebody who says in the DHT that it has the run, and what it answered when it was asked. */
export interface Holder {
  readonly peer: PeerKey;
  /** Our clock less its; null where it did not answer, or knows nothing of the run. */
  readonly clock: ClockClaim | null;
}

/** A host that only asks, over all that nodes have: it listens nowhere, carries nothing and has a key of its own. The caller starts and stops it. */
export async function createProbeHost(seed: Uint8Array, networkKey: Uint8Array | null): Promise<Host> {
  const nothing = { serveRelay: null, mapPorts: false, multicastDns: false };
  const profile = await nodeProfile({ listen: [], useRelays: false, networkKey, ...nothing });
  return createHost({
    identity: identityFromSeed(seed),
    // It goes by way of relays as nodes do, and takes no place at one.
    profile: {
      ...profile,
      transports: [...profile.transports, await relayTransport()],
      discovery: 'dht-client',
    },
    carriesRuns: false,
  });
}

export interface ProbeOptions {
  readonly host: Host;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Name, port, node, key: the first step that fails is the outcome. Never throws but for the reason of the signal. */
export async function probeAddress(address: string, options: ProbeOptions): Promise<Probe> {
  const target = multiaddr(address);
  const before = await tcpOutcome(address, options);
  options.signal.throwIfAborted();
  return { address, outcome: before ?? (await nodeOutcome(target, options)) };
}

/** Null where the port takes connections, or the address is none of a bare TCP port. */
async function tcpOutcome(address: string, options: ProbeOptions): Promise<ProbeOutcome | null> {
  const parts = tcpPartsOf(address);
  if (parts === null) return null;
  const { kind, host, port } = parts;
  switch (kind) {
    case 'ip4':
    case 'ip6':
      return portOutcome({ host, port }, options);
    case 'dns':
    case 'dns4':
    case 'dns6':
      try {
        const found = await lookup(host, { family: { dns: 0, dns4: 4, dns6: 6 }[kind] });
        return await portOutcome({ host: found.address, port }, options);
      } catch (error) {
        return { kind: 'no-name', reason: codeOf(error) };
      }
    default:
      return kind satisfies never;
  }
}

async function nodeOutcome(target: Multiaddr, options: ProbeOptions): Promise<ProbeOutcome> {
  const expected = peerIn(target);
  try {
    return { kind: 'answers', peerId: await dialled(target, options) };
  } catch (error) {
    if (expected === undefined) return { kind: 'no-node', reason: reasonOf(error) };
    // Who does live there is told by a dial that expects nobody.
    const found = await dialled(withoutPeer(target), options).catch(() => null);
    if (found !== null && found !== expected) return { kind: 'other-key', peerId: found };
    return { kind: 'no-node', reason: reasonOf(error) };
  }
}

async function dialled(target: Multiaddr, { host, timeoutMs, signal }: ProbeOptions): Promise<string> {
  const connection = await withDeadline(timeoutMs, 'no connection', [signal], (inTime) =>
    host.libp2p.dial(target, { signal: inTime }),
  );
  return connection.remotePeer.toString();
}

function peerIn(target: Multiaddr): string | undefined {
  return target.getComponents().findLast(({ name }) => name === 'p2p')?.value;
}

function withoutPeer(target: Multiaddr): Multiaddr {
  return target.decapsulateCode(CODE_P2P);
}

/**
 * Searches the DHT, through whom the host is connected with, again and again until somebody has the run or the time is over, and asks
 * each what its clock says, which only members answer.
 */
export async function findHolders(
  { runId, hidden }: { readonly runId: string; readonly hidden?: HiddenRun | undefined },
  { host, timeoutMs, signal, clock }: ProbeOptions & { readonly clock: Clock },
): Promise<Holder[]> {
  const holders = new Map<PeerKey, Promise<Holder>>();
  const note = (id: PeerId): void => {
    const peer = peerKeyOf(id);
    if (peer !== null && !holders.has(peer)) holders.set(peer, asked(peer));
  };
  const asked = async (peer: PeerKey): Promise<Holder> => {
    const question = { runId, hidden, timeoutMs, nowMs: clock.nowMs };
    return { peer, clock: await askClock(host, peer, question, signal).catch(() => null) };
  };
  await withDeadline(timeoutMs, 'no answer of the DHT', [signal], async (inTime) => {
    for (let attempt = 0; holders.size === 0 && !inTime.aborted; attempt++) {
      const query = { host, runId, hidden, signal: inTime, random: Math.random, onProvider: note };
      await searchProviders(query).catch(() => {});
      if (holders.size === 0) await pauseAfter(attempt, { clock, random: () => 0.5, signal: inTime });
    }
  });
  signal.throwIfAborted();
  return Promise.all(holders.values());
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? reasonOf(error);
}
