/** From how far away an address can be dialled. */
import { isLoopback, isPrivate } from '@libp2p/utils';
import { parsedAddress } from './announced-addresses.ts';

export type AddressRange = 'this machine' | 'this network' | 'anywhere';

/** Names count as public: what they stand for may change. @throws AddressError for what is no address */
export function rangeOf(text: string): AddressRange {
  const address = parsedAddress(text);
  if (isLoopback(address)) return 'this machine';
  const isName = address.getComponents()[0]?.name.startsWith('dns') ?? false;
  return !isName && isPrivate(address) ? 'this network' : 'anywhere';
}

/** What a plain TCP address begins with. */
export interface TcpParts {
  readonly kind: 'ip4' | 'ip6' | 'dns' | 'dns4' | 'dns6';
  readonly host: string;
  readonly port: number;
}

/** Null for an address of another transport, and for one by way of a relay. @throws AddressError for what is no address */
export function tcpPartsOf(text: string): TcpParts | null {
  const [place, port, ...rest] = parsedAddress(text).getComponents();
  if (port?.name !== 'tcp' || rest.some(({ name }) => name === 'p2p-circuit')) return null;
  const { name: kind, value: host } = place!;
  if (kind !== 'ip4' && kind !== 'ip6' && kind !== 'dns' && kind !== 'dns4' && kind !== 'dns6') return null;
  return { kind, host: host ?? '', port: Number(port.value) };
}
