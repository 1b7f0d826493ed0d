/**
 * A machine whose provider maps a public address to it one to one, or whose router forwards everything, knows of
 * neither. Peers tell under which address they see us; whether it leads to the port we listen on has to be tried, so
 * it is noted as one that AutoNAT has others try, and told to nobody before.
 */
import type { IdentifyResult } from '@libp2p/interface';
import { isPrivate, tryGetNetConfig } from '@libp2p/utils';
import type { Libp2pInit, ServiceFactoryMap } from 'libp2p';

type Components = Parameters<NonNullable<Libp2pInit['transports']>[number]>[0];

/** Peers may say what they like; a line has one address, or another one each time it comes up. Guess. */
const addressesMax = 8;

export function observedAddress(): ServiceFactoryMap<Record<string, unknown>> {
  return { observedAddress: (components: Components) => new ObservedAddress(components) };
}

class ObservedAddress {
  readonly #components: Components;
  readonly #known = new Set<string>();

  constructor(components: Components) {
    this.#components = components;
  }

  start(): void {
    this.#components.events.addEventListener('peer:identify', this.#onIdentify);
  }

  stop(): void {
    this.#components.events.removeEventListener('peer:identify', this.#onIdentify);
  }

  readonly #onIdentify = ({ detail }: CustomEvent<IdentifyResult>): void => {
    const { observedAddr } = detail;
    if (observedAddr === undefined || isPrivate(observedAddr)) return;
    const observed = tryGetNetConfig(observedAddr);
    if (observed?.type !== 'ip4' || this.#known.has(observed.host)) return;
    if (this.#known.size >= addressesMax) return;
    this.#known.add(observed.host);
    const { addressManager, transportManager } = this.#components;
    for (const own of transportManager.getAddrs()) {
      const net = tryGetNetConfig(own);
      if (net?.type !== 'ip4' || net.port === undefined || net.protocol !== 'tcp') continue;
      if (net.host === observed.host) return;
      if (net.host.startsWith('127.')) continue;
      addressManager.addPublicAddressMapping(net.host, net.port, observed.host, net.port);
    }
  };
}
