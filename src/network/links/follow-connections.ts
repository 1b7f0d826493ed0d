/**
 * Several connections of one peer. A direct one takes the place of those over relays, also where the peer became
 * dialable, or told where, only after hole punching had given up. Gossip writes to the connection that came first, and
 * says nothing any more once that closes: then it is introduced to what is left.
 */
import type { Identify } from '@libp2p/identify';
import type { Connection, Libp2p, PeerId } from '@libp2p/interface';
import { isPrivate } from '@libp2p/utils';
import type { Multiaddr } from '@multiformats/multiaddr';
import { isRelayed } from '../host/announced-addresses.ts';

type Introducing = Libp2p<{ identify: Identify }>;

/** A peer can tell other addresses as often as it likes. Guess. */
const tryAgainMs = 60_000;
const dialTimeoutMs = 5_000;
const closeTimeoutMs = 1_000;
/** Of whom it is known when they were tried; more were never connected at a time. */
const triedMax = 1_024;

export function followConnections(libp2p: Introducing, nowMs: () => number): void {
  const directly = new DirectDials(libp2p, nowMs);
  libp2p.addEventListener('connection:open', ({ detail }) => letGoOfRelayed(libp2p, detail.remotePeer));
  libp2p.addEventListener('connection:close', ({ detail }) => introduceAgain(libp2p, detail));
  libp2p.addEventListener('peer:update', ({ detail }) =>
    directly.consider(
      detail.peer.id,
      detail.peer.addresses.map(({ multiaddr }) => multiaddr),
    ),
  );
}

function letGoOfRelayed(libp2p: Introducing, peer: PeerId): void {
  const connections = openOnes(libp2p, peer);
  if (!connections.some(({ direct }) => direct)) return;
  for (const connection of connections.filter(({ direct }) => !direct)) {
    connection
      .close({ signal: AbortSignal.timeout(closeTimeoutMs) })
      .catch((error: Error) => connection.abort(error));
  }
}

function introduceAgain(libp2p: Introducing, { remotePeer }: Connection): void {
  const [best] = openOnes(libp2p, remotePeer).sort((a, b) => Number(b.direct) - Number(a.direct));
  if (best === undefined) return;
  // Whoever waits for peers of a protocol hears of an introduction as of a new peer.
  libp2p.services.identify.identify(best).catch(() => {
    // It closed meanwhile, or says nothing: the links' watchdog of gossip lets go of it.
  });
}

function openOnes(libp2p: Libp2p, peer: PeerId): Connection[] {
  return libp2p.getConnections(peer).filter(({ status }) => status === 'open');
}

class DirectDials {
  readonly #libp2p: Libp2p;
  readonly #nowMs: () => number;
  /** When, oldest first. */
  readonly #tried = new Map<string, number>();

  constructor(libp2p: Libp2p, nowMs: () => number) {
    this.#libp2p = libp2p;
    this.#nowMs = nowMs;
  }

  /** `addresses` of a peer are known now. */
  consider(peer: PeerId, addresses: readonly Multiaddr[]): void {
    const name = peer.toString();
    const connections = openOnes(this.#libp2p, peer);
    if (connections.length === 0 || connections.some(({ direct }) => direct)) return;
    const direct = addresses.filter((address) => !isRelayed(address) && !isPrivate(address));
    const nowMs = this.#nowMs();
    if (direct.length === 0 || nowMs - (this.#tried.get(name) ?? -Infinity) < tryAgainMs) return;
    this.#tried.delete(name);
    this.#tried.set(name, nowMs);
    if (this.#tried.size > triedMax) this.#tried.delete(this.#tried.keys().next().value!);
    const full = direct.map((address) =>
      address.toString().includes('/p2p/') ? address : address.encapsulate(`/p2p/${name}`),
    );
    // Forced, or the relayed one would do.
    this.#libp2p.dial(full, { force: true, signal: AbortSignal.timeout(dialTimeoutMs) }).catch(() => {
      // The relayed one stays.
    });
  }
}
