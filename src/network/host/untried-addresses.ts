/**
 * Public addresses of the machine itself. They are told to peers once one of them has dialled it (AutoNAT); who starts the first node of a
 * network needs them before, for somebody has to be the first who dials.
 */
import type { Libp2pInit } from 'libp2p';

type Components = Parameters<NonNullable<Libp2pInit['transports']>[number]>[0];

export class UntriedAddresses {
  readonly #components: Components;

  constructor(components: Components) {
    this.#components = components;
  }

  /** With `/p2p/...`; those that somebody dialled, or could not, are left out. */
  list(): string[] {
    const { addressManager, peerId } = this.#components;
    return addressManager
      .getAddressesWithMetadata()
      .filter(({ type, verified, expires }) => type === 'transport' && !verified && expires === 0)
      .map(({ multiaddr }) => `${multiaddr}/p2p/${peerId}`);
  }
}
