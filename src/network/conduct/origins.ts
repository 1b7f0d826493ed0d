/**
 * Where peers come from. Keys cost nothing and addresses do: what the keys of one public address cost us together is bounded. Private
 * addresses, those of a relay and of our own machine say nothing of who is behind them, and are not counted.
 */
import type { Connection, Libp2p, PeerId } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { isPrivate, tryGetNetConfig } from '@libp2p/utils';
import type { Multiaddr } from '@multiformats/multiaddr';

/** One address may cost as much as so many peers: a lab behind one, or somebody with many keys. Guess. */
export const peersPerAddress = 4;

/** A name for an address whose peers are counted together; null for one whose are not. */
export type OriginOf = (address: Multiaddr) => string | null;

/** An IPv4 address, or the network of 64 bits that whoever has one IPv6 address has. */
export const publicOrigin: OriginOf = (address) => {
  if (isPrivate(address) || address.getComponents().some(({ name }) => name === 'p2p-circuit')) return null;
  const net = tryGetNetConfig(address);
  if (net?.type === 'ip4') return net.host;
  return net?.type === 'ip6' ? networkOf(net.host) : null;
};

/** The first four of eight groups; of an IPv4 address in IPv6 that one. */
function networkOf(host: string): string {
  const mapped = /:((?:\d+\.){3}\d+)$/.exec(host);
  if (mapped) return mapped[1]!;
  const [head = '', tail] = host.toLowerCase().split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const left = groups(head);
  const right = groups(tail ?? '');
  const missing = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const all = [...left, ...new Array<string>(missing).fill('0'), ...right];
  return all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}

export class Origins {
  readonly #of: OriginOf;
  readonly #connections: Libp2p['getConnections'];
  readonly #connectionsMax: number;

  /** @param connectionsMax inbound ones of one address at a time */
  constructor(of: OriginOf, connections: Libp2p['getConnections'], connectionsMax: number) {
    this.#of = of;
    this.#connections = connections;
    this.#connectionsMax = connectionsMax;
  }

  of({ remoteAddr }: Pick<Connection, 'remoteAddr'>): string | null {
    return this.#of(remoteAddr);
  }

  /** Of a connected peer; null also where it is not. */
  ofPeer(peer: PeerId): string | null {
    const [connection] = this.#connections(peer);
    return connection ? this.of(connection) : null;
  }

  /** By its id as text. Those that have hung up by now are one address: nobody says any more which it was. */
  ofProvider(text: string): string | null {
    const [connection] = this.#connections(peerIdFromString(text));
    return connection ? this.of(connection) : 'gone';
  }

  /** No more connections are taken from there. */
  isCrowded(from: Pick<Connection, 'remoteAddr'>): boolean {
    const origin = this.of(from);
    if (origin === null) return false;
    const there = this.#connections().filter(
      (connection) => connection.direction === 'inbound' && this.of(connection) === origin,
    );
    return there.length >= this.#connectionsMax;
  }
}
