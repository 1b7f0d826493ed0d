/**
 * Asks the router for a port, by NAT-PMP and, where its package is installed, by UPnP. What it says it gave is noted as an address that AutoNAT
 * has others try, and told to nobody before one of them was led here by it.
 */
import { isPrivate, tryGetNetConfig } from '@libp2p/utils';
import { multiaddr } from '@multiformats/multiaddr';
import type { Libp2pInit, ServiceFactoryMap } from 'libp2p';
import type { Clock } from '../../core/ports.ts';
import { wallClock } from '../../platform/node/wall-clock.ts';
import { askGateway, gatewayAddress } from '../nat-pmp/gateway.ts';
import type { PmpAnswer, PmpRequest } from '../nat-pmp/message.ts';
import { type Recurring, startRecurring } from '../recurring.ts';

type Components = Parameters<NonNullable<Libp2pInit['transports']>[number]>[0];

/** Of a host of libp2p. */
interface PmpComponents {
  readonly events: Pick<Components['events'], 'addEventListener' | 'removeEventListener'>;
  readonly transportManager: Pick<Components['transportManager'], 'getAddrs'>;
  readonly addressManager: Pick<
    Components['addressManager'],
    'addPublicAddressMapping' | 'removePublicAddressMapping'
  >;
}

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

interface PmpRouter {
  /** Its address; null where there is none. */
  readonly gateway: () => Promise<string | null>;
  /** Where it listens; as RFC 6886 says where not given. */
  readonly port?: number;
  readonly clock: Clock;
}

const ownRouter: PmpRouter = { gateway: gatewayAddress, clock: wallClock };

export class PmpMapping {
  readonly #components: PmpComponents;
  readonly #router: PmpRouter;
  /** By our own port. */
  readonly #mapped = new Map<number, Mapped>();
  #asking: Recurring | null = null;

  constructor(components: PmpComponents, router: PmpRouter = ownRouter) {
    this.#components = components;
    this.#router = router;
  }

  start(): void {
    this.#components.events.addEventListener('self:peer:update', this.#onSelfUpdate);
    this.#asking = startRecurring(this.#router.clock, askGapMs, (signal) => this.#askAll(signal));
  }

  async stop(): Promise<void> {
    this.#components.events.removeEventListener('self:peer:update', this.#onSelfUpdate);
    await this.#asking?.stop();
    const back = { kind: 'map' as const, externalPort: 0, lifetimeS: 0 };
    const inTime = AbortSignal.timeout(giveBackTimeoutMs);
    await Promise.all(
      [...this.#mapped].map(([internalPort, { gateway }]) =>
        askGateway(gateway, { ...back, internalPort }, inTime, this.#router.port).catch(() => {
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
    const gateway = await this.#router.gateway();
    const asked = (request: PmpRequest) => {
      const inTime = AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)]);
      return askGateway(gateway!, request, inTime, this.#router.port);
    };
    let renewMs = renewEveryMs;
    try {
      if (gateway === null || this.#portsAt(null).length === 0) return renewMs;
      const { answer: own, local } = await asked({ kind: 'external-address' });
      if (own.kind !== 'external-address' || !isPublic(own.address)) return renewMs;
      for (const internalPort of this.#portsAt(local)) {
        const externalPort = this.#mapped.get(internalPort)?.externalPort ?? internalPort;
        const { answer } = await asked({ kind: 'map', internalPort, externalPort, lifetimeS });
        this.#note(internalPort, { gateway, local, external: own.address }, answer);
        // Half of what it is given for, as RFC 6886 recommends.
        if (answer.kind === 'map' && answer.lifetimeS > 0)
          renewMs = Math.min(renewMs, 500 * answer.lifetimeS);
      }
    } catch {
      // It does not speak it, or not now.
    }
    return renewMs;
  }

  /** What others have tried stays where the router gives the same again. */
  #note(port: number, where: Omit<Mapped, 'externalPort'>, answer: PmpAnswer): void {
    const isGiven = answer.kind === 'map' && answer.externalPort !== 0 && answer.lifetimeS !== 0;
    const mapped = isGiven ? { ...where, externalPort: answer.externalPort } : null;
    const isKnown = mapped !== null && isSame(this.#mapped.get(port), mapped);
    if (!isKnown) this.#forget(port);
    if (mapped === null) return;
    this.#mapped.set(port, mapped);
    if (isKnown) return;
    const { local, external, externalPort } = mapped;
    this.#components.addressManager.addPublicAddressMapping(local, port, external, externalPort, 'tcp');
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

function isSame(one: Mapped | undefined, other: Mapped): boolean {
  return (
    one?.local === other.local && one.external === other.external && one.externalPort === other.externalPort
  );
}

/** Of one host: from 224 on they are of many, or nobody's. */
function isPublic(address: string): boolean {
  return Number.parseInt(address, 10) < 224 && !isPrivate(multiaddr(`/ip4/${address}`));
}
