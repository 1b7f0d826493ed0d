/**
 * Which address of a peer is dialled first. They are tried one after the other, and one that swallows what it is sent
 * costs seconds: first a network that we are in, then the internet, then relays, and what is left at the end, among it
 * the private addresses of somebody else's network. Of the first three those that the peer has signed go before what anybody told of it.
 */
import { BlockList } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Address, AddressSorter } from '@libp2p/interface';
import { isLoopback, isPrivate, tryGetNetConfig } from '@libp2p/utils';
import type { Multiaddr } from '@multiformats/multiaddr';
import { isRelayed } from '../host/announced-addresses.ts';

/** @param ours networks of this machine as of now, such as `10.0.0.0/8` */
export function dialOrder(ours: () => readonly string[] = ownNetworks): AddressSorter {
  let nearby: BlockList | null = null;
  // Asked once for all comparisons of one sort.
  const asOfNow = (): BlockList => {
    if (nearby !== null) return nearby;
    const list = blockListOf(ours());
    nearby = list;
    queueMicrotask(() => {
      nearby = null;
    });
    return list;
  };
  return (a: Address, b: Address) => Math.sign(rankOf(a, asOfNow()) - rankOf(b, asOfNow())) as -1 | 0 | 1;
}

/** Of ways that lead there, as far as can be told from an address. */
const goodWays = 3;

function rankOf({ multiaddr, isCertified }: Address, nearby: BlockList): number {
  const rank = wayOf(multiaddr, nearby);
  return isCertified && rank < goodWays ? rank : goodWays + rank;
}

function wayOf(address: Multiaddr, nearby: BlockList): number {
  // Of a relay's addresses the private ones are first of all ways to somebody else's machine.
  if (isRelayed(address)) return isPrivate(address) ? 3 : 2;
  if (isLoopback(address)) return 4;
  const net = tryGetNetConfig(address);
  if (net?.type === 'ip4' || net?.type === 'ip6') {
    if (nearby.check(net.host, net.type === 'ip4' ? 'ipv4' : 'ipv6')) return 0;
  }
  return isPrivate(address) ? 5 : 1;
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    list.addSubnet(address, Number(bits), address.includes(':') ? 'ipv6' : 'ipv4');
  }
  return list;
}

function ownNetworks(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.flatMap(({ internal, cidr }) => (internal || cidr === null ? [] : [cidr]));
}
