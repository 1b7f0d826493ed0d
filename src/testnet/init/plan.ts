/** Who is where in a testnet that others will start: pure. */
import { memberName } from '../member-name.ts';

export const INIT_TARGETS = ['processes', 'compose', 'systemd', 'kubernetes'] as const;
/** What will run the members. */
export type InitTarget = (typeof INIT_TARGETS)[number];

export interface Placement {
  readonly target: InitTarget;
  readonly nodes: number;
  readonly bootstraps: number;
  /** The first so many bootstraps relay for nodes that nobody can dial. */
  readonly relays: number;
  /** Of systemd: names or addresses of machines, which take members in turn. */
  readonly hosts: readonly string[];
  /** Of Kubernetes. */
  readonly namespace: string;
  /** First port where several members share a machine. */
  readonly portBase: number;
}

export interface Seat {
  readonly role: 'bootstrap' | 'node';
  readonly index: number;
  readonly name: string;
  readonly isRelay: boolean;
  readonly listen: string;
  /** Where others dial it. */
  readonly dial: string;
  /** Of its API, on the loopback interface of its machine. */
  readonly httpPort: number;
  /** Of systemd. */
  readonly host: string | null;
}

/** In a container, where nobody else needs them. */
const containerPort = 4001;
const containerHttpPort = 8080;
/** From the port of a member to that of its API where they share a machine. */
const httpOffset = 2000;

/** Bootstraps first. */
export function seatsOf(placement: Placement): Seat[] {
  const { nodes, bootstraps, relays } = placement;
  const roles = [
    ...Array.from({ length: bootstraps }, (_, index) => ({ role: 'bootstrap', index }) as const),
    ...Array.from({ length: nodes }, (_, index) => ({ role: 'node', index }) as const),
  ];
  return roles.map(({ role, index }, order) => ({
    ...{ role, index, name: memberName(role, index), isRelay: role === 'bootstrap' && index < relays },
    ...whereabouts(placement, role, index, order),
  }));
}

function whereabouts(
  { target, hosts, namespace, portBase }: Placement,
  role: Seat['role'],
  index: number,
  order: number,
): Pick<Seat, 'listen' | 'dial' | 'httpPort' | 'host'> {
  const everywhere = `/ip4/0.0.0.0/tcp/${containerPort}`;
  switch (target) {
    case 'processes': {
      const listen = `/ip4/127.0.0.1/tcp/${portBase + order}`;
      return { listen, dial: listen, httpPort: portBase + order + httpOffset, host: null };
    }
    case 'compose': {
      const dial = `/dns4/${memberName(role, index)}/tcp/${containerPort}`;
      return { listen: everywhere, dial, httpPort: containerHttpPort, host: null };
    }
    case 'kubernetes': {
      // As a StatefulSet names its pods, and their headless service.
      const dial = `/dns4/${role}-${index}.${role}s.${namespace}.svc.cluster.local/tcp/${containerPort}`;
      return { listen: everywhere, dial, httpPort: containerHttpPort, host: null };
    }
    case 'systemd': {
      const host = hosts[order % hosts.length]!;
      const port = portBase + Math.floor(order / hosts.length);
      const dial = `${placeOf(host)}/tcp/${port}`;
      return { listen: `/ip4/0.0.0.0/tcp/${port}`, dial, httpPort: port + httpOffset, host };
    }
    default:
      return target satisfies never;
  }
}

function placeOf(host: string): string {
  if (host.includes(':')) return `/ip6/${host}`;
  return /^\d+(\.\d+){3}$/.test(host) ? `/ip4/${host}` : `/dns4/${host}`;
}
