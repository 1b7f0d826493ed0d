/**
 * Asks the router for a port, by NAT-PMP and, where its package is installed, by UPnP. What it says it gave is noted as an address that AutoNAT
 * has others try, and told to nobody before one of them was led here by it.
 */
import { isPrivate, tryGetNetConfig } from '@libp2p/utils';
import { multiaddr } from '@multiformats/multiaddr';
import type { Libp2pInit, ServiceFactoryMap } from 'libp2p';
import { wallClock } from '../../platform/node/wall-clock.ts';
import { askGateway, gatewayAddress } from '../nat-pmp/gateway.ts';
import type { PmpAnswer, PmpRequest } from '../nat-pmp/message.ts';
import { type Recurring, startRecurring } from '../recurring.ts';

type Components = Parameters<NonNullable<Libp2pInit['transports']>[number]>[0];

/** What RFC 6886 recommends. A router that begins anew, or has another address, gives the port again with the next question. */
const lifetimeS = 7_200;
const renewEveryMs = 600_000;
const askGapMs = 5_000;
/** Four times. */
const answerTimeoutMs = 4_000;
const giveBackTimeoutMs = 1_000;
/** Ports of one node that are asked for. */
const portsMax = 8;

/** @returns services of a host */
export async function portMapping(): Promise<ServiceFactoryMap<Record<string, unknown>>> {
  const natPmp = (components: Components): PmpMapping => new PmpMapping(components);
  try {
    const { uPnPNAT } = await import('@libp2p/upnp-nat');
    return { natPmp, portMapping: uPnPNAT() };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error;
    return { natPmp };
  }
}

interface Mapped {
  readonly gateway: string;
  readonly local: string;
  readonly external: string;
  readonly externalPort: number;
}

class PmpMapping {
  readonly #components: Components;
  /** By our own port. */
  readonly #mapped = new Map<number, Mapped>();
  #asking: Recurring | null = null;

  constructor(components: Components) {
    this.#components = components;
  }

  start(): void {
    this.#components.events.addEventListener('self:peer:update', this.#onSelfUpdate);
    this.#asking = startRecurring(wallClock, askGapMs, (signal) => this.#askAll(signal));
  }

  async stop(): Promise<void> {
    this.#components.events.removeEventListener('self:peer:update', this.#onSelfUpdate);
    await this.#asking?.stop();
    const back = { kind: 'map' as const, externalPort: 0, lifetimeS: 0 };
    const inTime = AbortSignal.timeout(giveBackTimeoutMs);
    await Promise.all(
      [...this.#mapped].map(([internalPort, { gateway }]) =>
        askGateway(gateway, { ...back, internalPort }, inTime).catch(() => {
          // It runs out by itself.
        }),
      ),
    );
    for (const port of [...this.#mapped.keys()]) this.#forget(port);
  }

  readonly #onSelfUpdate = (): void => {
    if (this.#portsAt(null).some((port) => !this.#mapped.has(port))) this.#asking?.hurry();
  };

  async #askAll(signal: AbortSignal): Promise<number> {
    const gateway = await gatewayAddress();
    const asked = (request: PmpRequest) =>
      askGateway(gateway!, request, AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)]));
    try {
      if (gateway === null || this.#portsAt(null).length === 0) return renewEveryMs;
      const { answer, local } = await asked({ kind: 'external-address' });
      if (answer.kind !== 'external-address' || isPrivate(multiaddr(`/ip4/${answer.address}`)))
        return renewEveryMs;
      for (const internalPort of this.#portsAt(local)) {
        const externalPort = this.#mapped.get(internalPort)?.externalPort ?? internalPort;
        const given = await asked({ kind: 'map', internalPort, externalPort, lifetimeS });
        this.#note(internalPort, { gateway, local, external: answer.address }, given.answer);
      }
    } catch {
      // It does not speak it, or not now.
    }
    return renewEveryMs;
  }

  #note(port: number, where: Omit<Mapped, 'externalPort'>, answer: PmpAnswer): void {
    this.#forget(port);
    if (answer.kind !== 'map' || answer.externalPort === 0 || answer.lifetimeS === 0) return;
    const { externalPort } = answer;
    this.#mapped.set(port, { ...where, externalPort });
    const { addressManager } = this.#components;
    addressManager.addPublicAddressMapping(where.local, port, where.external, externalPort, 'tcp');
  }

  #forget(port: number): void {
    const known = this.#mapped.get(port);
    if (known === undefined) return;
    this.#mapped.delete(port);
    const { local, external, externalPort } = known;
    this.#components.addressManager.removePublicAddressMapping(local, port, external, externalPort, 'tcp');
  }

  /** Ports that we listen on at an address of ours; null: at any of a private network. */
  #portsAt(local: string | null): number[] {
    const ports = this.#components.transportManager.getAddrs().flatMap((own) => {
      const net = tryGetNetConfig(own);
      if (net?.type !== 'ip4' || net.port === undefined || net.protocol !== 'tcp') return [];
      const isMeant = local === null ? isPrivate(own) && !net.host.startsWith('127.') : net.host === local;
      return isMeant ? [net.port] : [];
    });
    return [...new Set(ports)].slice(0, portsMax);
  }
}
