/**
 * Keeps the links to the peers of a run: performs what peer-selection.ts decides and tells who is up. A peer
 * of the run is a connected peer that speaks the run's exchange protocol.
 */
import { KEEP_ALIVE, type PeerId } from '@libp2p/interface';
import type { PeerKey } from '../core/io.ts';
import type { Clock } from '../core/ports.ts';
import { jitteredMs } from './backoff.ts';
import { withDeadline } from './deadline.ts';
import type { NetworkEventListener } from './events.ts';
import type { Host } from './host.ts';
import { peerIdOf, peerKeyOf } from './identity.ts';
import {
  defaultLinkLimits,
  failedLink,
  type LinkLimits,
  type PeerLink,
  selectPeers,
} from './peer-selection.ts';
import { announcementTopic, exchangeProtocol } from './protocols.ts';
import { type Recurring, startRecurring } from './recurring.ts';

const REVIEW_INTERVAL_MS = 1_000;
const DIAL_TIMEOUT_MS = 5_000;
/** A peer shows the run's protocol this long after the dial began, or is taken for none of ours. */
const IDENTIFY_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 1_000;
/** Makes libp2p reconnect by itself within a second of a loss (measured 0.6 s). */
const LINK_TAG = `${KEEP_ALIVE}-starlings-run`;

export interface Links {
  start(): void;
  stop(): Promise<void>;
  /** The peers that are up. */
  peers(): PeerKey[];
  /** Somebody may be a peer of the run. */
  found(peer: PeerKey): void;
  /** True while fewer peers are up than wanted. */
  peersMissing(): boolean;
}

export interface LinksOptions {
  readonly host: Host;
  readonly runId: string;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly onEvent: NetworkEventListener;
  /** Each once per change, however many connections a pair has. */
  readonly onPeerUp: (peer: PeerKey) => void;
  readonly onPeerDown: (peer: PeerKey) => void;
  readonly limits?: LinkLimits;
}

export function createLinks(options: LinksOptions): Links {
  const { clock, random, onEvent } = options;
  const { libp2p } = options.host;
  const limits = options.limits ?? defaultLinkLimits;
  const protocol = exchangeProtocol(options.runId);
  const topic = announcementTopic(options.runId);
  const links = new Map<PeerKey, PeerLink>();
  let reviews: Recurring | null = null;

  function peers(): PeerKey[] {
    return [...links].filter(([, link]) => link.kind === 'linked').map(([peer]) => peer);
  }

  function up(peer: PeerKey, id: PeerId): void {
    if (links.get(peer)?.kind === 'linked') {
      return;
    }
    links.set(peer, { kind: 'linked', sinceMs: clock.nowMs(), deafSinceMs: null });
    // Not beyond the target: whom a crowded peer lets go must not come back at once.
    if (peers().length <= limits.peersTarget) {
      void tag(id, { value: 50 });
    }
    onEvent({ kind: 'peer-up', peer });
    options.onPeerUp(peer);
  }

  /** `attempts` failures now stand against the peer: a lost link counts as one. */
  function down(peer: PeerKey, attempts: number): void {
    const wasUp = links.get(peer)?.kind === 'linked';
    links.set(peer, failedLink(attempts, clock.nowMs(), limits, random));
    if (wasUp) {
      onEvent({ kind: 'peer-down', peer });
      options.onPeerDown(peer);
      reviews?.hurry();
    }
  }

  function onProtocols(id: PeerId, protocols: readonly string[]): void {
    const peer = peerKeyOf(id);
    if (peer === null) {
      return;
    }
    if (!protocols.includes(protocol)) {
      if (links.get(peer)?.kind === 'linked') {
        down(peer, 1);
      }
    } else if (libp2p.getConnections(id).length > 0) {
      up(peer, id);
    }
  }

  function onDisconnect(id: PeerId): void {
    const peer = peerKeyOf(id);
    // Another connection of the pair may have outlived this one.
    if (peer !== null && links.get(peer)?.kind === 'linked' && libp2p.getConnections(id).length === 0) {
      down(peer, 1);
    }
  }

  const onIdentifyEvent = (event: CustomEvent<{ peerId: PeerId; protocols: string[] }>) =>
    onProtocols(event.detail.peerId, event.detail.protocols);
  const onUpdateEvent = (event: CustomEvent<{ peer: { id: PeerId; protocols: string[] } }>) =>
    onProtocols(event.detail.peer.id, event.detail.peer.protocols);
  const onDisconnectEvent = (event: CustomEvent<PeerId>) => onDisconnect(event.detail);

  async function dial(peer: PeerKey, attempts: number, signal: AbortSignal): Promise<void> {
    const id = peerIdOf(peer);
    try {
      await withDeadline(DIAL_TIMEOUT_MS, 'no connection', [signal], (inTime) =>
        libp2p.dial(id, { signal: inTime }),
      );
      onProtocols(id, await storedProtocols(id));
    } catch (error) {
      if (!signal.aborted && links.get(peer)?.kind === 'dialling') {
        onEvent({
          kind: 'dial-failed',
          peer,
          reason: error instanceof Error ? error.message : String(error),
        });
        down(peer, attempts + 1);
      }
    }
  }

  async function storedProtocols(id: PeerId): Promise<readonly string[]> {
    return libp2p.peerStore.get(id).then(
      (stored) => stored.protocols,
      // Not identified yet: the event will tell.
      () => [],
    );
  }

  async function tag(id: PeerId, value: { value: number } | undefined): Promise<void> {
    await libp2p.peerStore.merge(id, { tags: { [LINK_TAG]: value } }).catch(() => {
      // A peer libp2p forgot needs no tag.
    });
  }

  async function letGo(peer: PeerKey, reason: 'too-many' | 'deaf'): Promise<void> {
    onEvent({ kind: 'link-closed', peer, reason });
    const id = peerIdOf(peer);
    // First the tag, or libp2p dials again what we close.
    await tag(id, undefined);
    await libp2p.hangUp(id, { signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) }).catch(() => {
      for (const connection of libp2p.getConnections(id)) {
        connection.abort(new Error('the link did not close in time'));
      }
    });
    onDisconnect(id);
  }

  /** A link may be up and yet dead for gossip: after one oversized frame, or when its stream broke. */
  function noteDeafness(): void {
    const heard = new Set(libp2p.services.gossip?.getSubscribers(topic).map((id) => peerKeyOf(id)));
    for (const [peer, link] of links) {
      if (link.kind !== 'linked') {
        continue;
      }
      if (heard.has(peer)) {
        if (link.deafSinceMs !== null) {
          links.set(peer, { ...link, deafSinceMs: null });
        }
      } else if (link.deafSinceMs === null) {
        links.set(peer, { ...link, deafSinceMs: clock.nowMs() });
      }
    }
  }

  function giveUpOnStrangers(): void {
    for (const [peer, link] of links) {
      if (link.kind === 'dialling' && clock.nowMs() - link.sinceMs >= IDENTIFY_TIMEOUT_MS) {
        onEvent({ kind: 'dial-failed', peer, reason: 'it does not take part in the run' });
        down(peer, link.attempts + 1);
      }
    }
  }

  async function review(signal: AbortSignal): Promise<number> {
    noteDeafness();
    giveUpOnStrangers();
    const decision = selectPeers(links, clock.nowMs(), limits, random);
    for (const peer of decision.forget) {
      links.delete(peer);
    }
    for (const peer of decision.dial) {
      const link = links.get(peer);
      const attempts = link?.kind === 'failed' ? link.attempts : 0;
      links.set(peer, { kind: 'dialling', attempts, sinceMs: clock.nowMs() });
      void dial(peer, attempts, signal);
    }
    await Promise.all(decision.close.map(({ peer, reason }) => letGo(peer, reason)));
    return jitteredMs(REVIEW_INTERVAL_MS, random);
  }

  async function adoptConnected(): Promise<void> {
    for (const id of libp2p.getPeers()) {
      onProtocols(id, await storedProtocols(id));
    }
  }

  return {
    start() {
      if (reviews !== null) {
        return;
      }
      libp2p.addEventListener('peer:identify', onIdentifyEvent);
      libp2p.addEventListener('peer:update', onUpdateEvent);
      libp2p.addEventListener('peer:disconnect', onDisconnectEvent);
      reviews = startRecurring(clock, review);
      void adoptConnected();
    },
    async stop() {
      libp2p.removeEventListener('peer:identify', onIdentifyEvent);
      libp2p.removeEventListener('peer:update', onUpdateEvent);
      libp2p.removeEventListener('peer:disconnect', onDisconnectEvent);
      await reviews?.stop();
      reviews = null;
      const linked = peers();
      links.clear();
      await Promise.all(linked.map((peer) => tag(peerIdOf(peer), undefined)));
      for (const peer of linked) {
        options.onPeerDown(peer);
      }
    },
    peers,
    found(peer) {
      if (peer !== options.host.key && !links.has(peer)) {
        links.set(peer, { kind: 'known', sinceMs: clock.nowMs() });
        reviews?.hurry();
      }
    },
    peersMissing: () =>
      peers().length < limits.peersMin ||
      [...(limits.wanted ?? [])].some((peer) => links.get(peer)?.kind !== 'linked'),
  };
}
