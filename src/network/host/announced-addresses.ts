/** The addresses a host tells others in place of its own: a wrong one makes it unreachable without a word. */

import { isPrivate } from '@libp2p/utils';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { reasonOf } from '../../core/as-error.ts';
import { AddressError } from '../errors.ts';

const UNSPECIFIED: readonly string[] = ['0.0.0.0', '::'];

/**
 * Reads addresses to announce. @param self our peer id: an address may end in `/p2p/` of it and of nobody else.
 * @throws AddressError in one sentence
 */
export function announcedAddresses(texts: readonly string[], self: string): Multiaddr[] {
  return texts.map((text) => {
    const address = parsedAddress(text);
    const problem = problemOf(address, self);
    if (problem !== null) {
      throw new AddressError(`${text} cannot be announced: ${problem}`);
    }
    return address;
  });
}

/** @throws AddressError where `text` is no multiaddr */
export function parsedAddress(text: string): Multiaddr {
  try {
    return multiaddr(text);
  } catch (error) {
    const reason = reasonOf(error);
    throw new AddressError(`${text} is not a multiaddr: ${reason}`, { cause: error });
  }
}

/** @throws AddressError where it does not lead to a peer */
export function checkPeerAddress(text: string): void {
  if (
    parsedAddress(text)
      .getComponents()
      .some(({ name }) => name === 'p2p')
  )
    return;
  throw new AddressError(
    `${text} does not end in /p2p/<peer id>; copy the whole address that the other node printed`,
  );
}

export function isAddress(text: string): boolean {
  try {
    parsedAddress(text);
    return true;
  } catch {
    return false;
  }
}

export function isRelayed(address: Multiaddr): boolean {
  return address.getComponents().some(({ name }) => name === 'p2p-circuit');
}

/** A relay has told us its addresses on its own network and machine too: where it has one of the internet, those help nobody. */
export function withoutPrivateRelays(addresses: readonly Multiaddr[]): Multiaddr[] {
  const isPublicRelay = (address: Multiaddr): boolean => isRelayed(address) && !isPrivate(address);
  if (!addresses.some(isPublicRelay)) return [...addresses];
  return addresses.filter((address) => !isRelayed(address) || isPublicRelay(address));
}

function problemOf(address: Multiaddr, self: string): string | null {
  for (const { name, value } of address.getComponents()) {
    if (UNSPECIFIED.includes(value ?? '')) {
      return 'nobody can dial it; name the address under which others see this machine';
    }
    if ((name === 'tcp' || name === 'udp') && value === '0') {
      return 'others need to know the port; write the one that is forwarded';
    }
    if (name === 'p2p' && value !== self && !isRelayed(address)) {
      return `it leads to peer ${value}, and this one is ${self}`;
    }
  }
  return null;
}
