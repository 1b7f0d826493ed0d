/**
 * Keeps the links to the peers of a run: tells link-table.ts what libp2p reports and does what it says. A peer
 * of the run is a connected peer that speaks the run's exchange protocol.
 */

import { KEEP_ALIVE, type PeerId } from '@libp2p/interface';
import { reasonOf } from '../../core/as-error.ts';
import type { PeerKey } from '../../core/io.ts';
import type { Clock } from '../../core/ports.ts';
import { jitteredMs } from '../backoff.ts';
import { withDeadline } from '../deadline.ts';
import type { NetworkEventListener } from '../events.ts';
import type { HiddenRun } from '../hidden-run.ts';
import type { Host } from '../host/host.ts';
import { peerIdOf, peerKeyOf } from '../identity.ts';
import { announcementTopic, exchangeProtocol } from '../protocols.ts';
import { type Recurring, startRecurring } from '../recurring.ts';
import { type LinkAction, type LinkInput, LinkTable } from './link-table.ts';
import { defaultLinkLimits, type LinkLimits } from './peer-selection.ts';

const REVIEW_INTERVAL_MS = 1_000;
/** Once the run is over here: whoever comes or goes is looked at at once all the same. */
const REST_REVIEW_INTERVAL_MS = 5_000;
const REVIEW_GAP_MS = 50;
/** Three addresses that swallow what they are sent, and the one that answers (host.ts). */
const DIAL_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 1_000;
/** Before a peer that did not show that it is one of the run is asked again: it may have been busy. Guess. */
const PROVE_AGAIN_MS = 5_000;
/** Of one run, in libp2p's sum over all tags of a peer: what it closes first above `connectionsMax`. */
const TAG_VALUE = 50;

export interface Links {
  start(): void;
  /** Lets go of all peers; connections stay, for other runs and the DHT. */
  stop(): Promise<void>;
  /** The peers that are up. */
  peers(): PeerKey[];
  isLinked(peer: PeerKey): boolean;
  /** Others say that it is a peer of the run. */
  found(peer: PeerKey): void;
  /** A peer brought something that was accepted, or answered. */
  useful(peer: PeerKey): void;
  /** True while fewer peers are up than wanted, or fewer that we have chosen. */
  peersMissing(): boolean;
  /** Looks less often: the run is over here. */
  rest(isAtRest: boolean): void;
}

export interface LinksOptions {
  readonly host: Host;
  readonly runId: string;
  /** Where strangers must not see the run. */
  readonly hidden?: HiddenRun | undefined;
  /** Resolves to whether a peer that speaks the run's protocol is one of the run; all are where it is left out. */
  readonly prove?: ((peer: PeerKey) => Promise<boolean>) | undefined;
  /** Whether the run has shown a peer the door: it is not dialled, and let go of whenever it comes. */
  readonly isOut?: ((peer: PeerKey) => boolean) | undefined;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly onEvent: NetworkEventListener;
  /** Each once per change, however many connections a pair has. */
  readonly onPeerUp: (peer: PeerKey) => void;
  readonly onPeerDown: (peer: PeerKey) => void;
  readonly limits?: Partial<LinkLimits>;
}

export function createLinks(options: LinksOptions): Links {
  return new RunLinks(options);
}

class RunLinks implements Links {
  readonly #options: LinksOptions;
  readonly #host: Host;
  readonly #table: LinkTable;
  readonly #protocol: string;
  readonly #topic: string;
  /** Makes libp2p reconnect by itself within a second of a loss (measured 0.6 s). */
  readonly #keepTag: string;
  /** Peers that carry our tag. */
  readonly #kept = new Set<PeerKey>();
  /** Connected peers that speak the protocol of a run that not everybody may see: whether they have shown that they may, and since when they have not. */
  readonly #shown = new Map<PeerKey, 'asked' | 'member' | { readonly failedAtMs: number }>();
  #reviews: Recurring | null = null;
  #isAtRest = false;

  constructor(options: LinksOptions) {
    const { host, runId, hidden, random, limits } = options;
    this.#options = options;
    this.#host = host;
    this.#table = new LinkTable({ limits: { ...defaultLinkLimits, ...limits }, random, self: host.key });
    this.#protocol = exchangeProtocol(hidden?.name ?? runId);
    this.#topic = announcementTopic(hidden?.name ?? runId);
    this.#keepTag = `${KEEP_ALIVE}-starlings-${runId}`;
  }

  start(): void {
    if (this.#reviews !== null) {
      return;
    }
    const { libp2p } = this.#host;
    libp2p.addEventListener('peer:identify', this.#onIdentify);
    libp2p.addEventListener('peer:update', this.#onUpdate);
    libp2p.addEventListener('peer:disconnect', this.#onDisconnect);
    this.#reviews = startRecurring(this.#options.clock, REVIEW_GAP_MS, (signal) => this.#review(signal));
    for (const id of libp2p.getPeers()) {
      void this.#adopt(id);
    }
  }

  async stop(): Promise<void> {
    const { libp2p } = this.#host;
    libp2p.removeEventListener('peer:identify', this.#onIdentify);
    libp2p.removeEventListener('peer:update', this.#onUpdate);
    libp2p.removeEventListener('peer:disconnect', this.#onDisconnect);
    const reviews = this.#reviews;
    this.#reviews = null;
    await reviews?.stop();
    await this.#tell({ type: 'stop' });
  }

  peers(): PeerKey[] {
    return this.#table.peers();
  }

  rest(isAtRest: boolean): void {
    if (this.#isAtRest && !isAtRest) this.#reviews?.hurry();
    this.#isAtRest = isAtRest;
  }

  isLinked(peer: PeerKey): boolean {
    return this.#table.isLinked(peer);
  }

  found(peer: PeerKey): void {
    if (!this.#isOut(peer)) this.#note({ type: 'found', peer });
  }

  #isOut(peer: PeerKey): boolean {
    return this.#options.isOut?.(peer) ?? false;
  }

  /** It speaks our protocol and is none of us any more. */
  async #turnAway(peer: PeerKey): Promise<void> {
    await this.#tell({ type: 'mute', peer });
    await this.#letGo(peer);
  }

  useful(peer: PeerKey): void {
    this.#note({ type: 'useful', peer });
  }

  peersMissing(): boolean {
    return this.#table.peersMissing();
  }

  readonly #onIdentify = ({ detail }: CustomEvent<{ peerId: PeerId; protocols: string[] }>): void =>
    this.#showed(detail.peerId, detail.protocols);

  readonly #onUpdate = ({ detail }: CustomEvent<{ peer: { id: PeerId; protocols: string[] } }>): void =>
    this.#showed(detail.peer.id, detail.peer.protocols);

  readonly #onDisconnect = ({ detail }: CustomEvent<PeerId>): void => this.#noteIfGone(detail);

  #showed(id: PeerId, protocols: readonly string[]): void {
    const peer = peerKeyOf(id);
    if (peer === null) {
      return;
    }
    const connections = this.#host.libp2p.getConnections(id);
    if (!protocols.includes(this.#protocol)) {
      this.#note({ type: 'mute', peer });
    } else if (this.#isOut(peer)) {
      if (connections.length > 0) void this.#turnAway(peer);
    } else if (connections.length > 0 && this.#isMember(peer)) {
      const ours = connections.find(({ direction }) => direction === 'outbound');
      const origin = this.#host.origins.of(ours ?? connections[0]!);
      this.#note({ type: 'speaks', peer, dialled: ours !== undefined, origin });
    }
  }

  /** False as well while it is asked: what it answers is looked at then. */
  #isMember(peer: PeerKey): boolean {
    const { prove, clock } = this.#options;
    if (prove === undefined) return true;
    const known = this.#shown.get(peer);
    if (known === 'member' || known === 'asked') return known === 'member';
    if (known !== undefined && clock.nowMs() - known.failedAtMs < PROVE_AGAIN_MS) return false;
    this.#shown.set(peer, 'asked');
    void prove(peer).then((isMember) => {
      this.#shown.set(peer, isMember ? 'member' : { failedAtMs: clock.nowMs() });
      // Gone meanwhile it has to show it again.
      this.#noteIfGone(peerIdOf(peer));
      if (isMember) void this.#adopt(peerIdOf(peer));
    });
    return false;
  }

  /** Of those that could not show it when they were asked. */
  #askAgain(): void {
    for (const [peer, state] of this.#shown) if (typeof state === 'object') void this.#adopt(peerIdOf(peer));
  }

  #noteIfGone(id: PeerId): void {
    const peer = peerKeyOf(id);
    // Another connection of the pair may have outlived this one.
    if (peer !== null && this.#host.libp2p.getConnections(id).length === 0) {
      this.#shown.delete(peer);
      this.#note({ type: 'disconnected', peer });
    }
  }

  async #adopt(id: PeerId): Promise<void> {
    this.#showed(id, await this.#storedProtocols(id));
  }

  #storedProtocols(id: PeerId): Promise<readonly string[]> {
    return this.#host.libp2p.peerStore.get(id).then(
      (stored) => stored.protocols,
      // Not identified yet: the event will tell.
      () => [],
    );
  }

  async #review(signal: AbortSignal): Promise<number> {
    this.#askAgain();
    await Promise.all(this.peers().map((peer) => (this.#isOut(peer) ? this.#turnAway(peer) : null)));
    const heard = this.#host.gossip.subscribers(this.#topic);
    await this.#tell({ type: 'review', heard }, signal);
    const everyMs = this.#isAtRest ? REST_REVIEW_INTERVAL_MS : REVIEW_INTERVAL_MS;
    return jitteredMs(everyMs, this.#options.random);
  }

  /** For what happens outside a review, where nobody waits for the end of what follows. */
  #note(input: LinkInput): void {
    if (this.#reviews !== null) {
      void this.#tell(input);
    }
  }

  /** @param signal ends dials */
  async #tell(input: LinkInput, signal?: AbortSignal): Promise<void> {
    const actions = this.#table.handle(input, this.#options.clock.nowMs());
    await Promise.all(actions.map((action) => this.#perform(action, signal)));
  }

  #perform(action: LinkAction, signal?: AbortSignal): Promise<void> | null {
    const { holders } = this.#host;
    const { runId, onEvent, onPeerUp, onPeerDown } = this.#options;
    switch (action.type) {
      case 'peer-up':
        holders.hold(action.peer, runId);
        onEvent({ kind: 'peer-up', peer: action.peer });
        onPeerUp(action.peer);
        return null;
      case 'peer-down':
        holders.release(action.peer, runId);
        onEvent({ kind: 'peer-down', peer: action.peer });
        onPeerDown(action.peer);
        return null;
      case 'dial':
        if (!this.#isOut(action.peer)) void this.#dial(action.peer, signal);
        return null;
      case 'dial-failed':
        onEvent({ kind: 'dial-failed', peer: action.peer, reason: action.reason });
        return null;
      case 'let-go':
        onEvent({ kind: 'link-closed', peer: action.peer, reason: action.reason });
        return this.#letGo(action.peer);
      case 'keep':
        this.#kept.add(action.peer);
        return this.#tag(action.peer, { value: TAG_VALUE });
      case 'unkeep':
        return this.#unkeep(action.peer);
      case 'hurry':
        this.#reviews?.hurry();
        return null;
      default:
        return action satisfies never;
    }
  }

  async #dial(peer: PeerKey, signal?: AbortSignal): Promise<void> {
    const id = peerIdOf(peer);
    try {
      await withDeadline(DIAL_TIMEOUT_MS, 'no connection', signal ? [signal] : [], (inTime) =>
        this.#host.libp2p.dial(id, { signal: inTime }),
      );
      await this.#adopt(id);
    } catch (error) {
      if (signal?.aborted !== true) {
        const reason = reasonOf(error);
        this.#note({ type: 'dial-failed', peer, reason });
      }
    }
  }

  async #unkeep(peer: PeerKey): Promise<void> {
    if (this.#kept.delete(peer)) {
      await this.#tag(peer, undefined);
    }
  }

  async #tag(peer: PeerKey, value: { value: number } | undefined): Promise<void> {
    const tags = { [this.#keepTag]: value };
    await this.#host.libp2p.peerStore.merge(peerIdOf(peer), { tags }).catch(() => {
      // A peer libp2p forgot needs no tag.
    });
  }

  async #letGo(peer: PeerKey): Promise<void> {
    // First the tag, or libp2p dials again what we close.
    await this.#unkeep(peer);
    if (!this.#host.holders.release(peer, this.#options.runId)) {
      return;
    }
    const id = peerIdOf(peer);
    const { libp2p } = this.#host;
    await libp2p.hangUp(id, { signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) }).catch(() => {
      for (const connection of libp2p.getConnections(id)) {
        connection.abort(new Error('the link did not close in time'));
      }
    });
    this.#noteIfGone(id);
  }
}
