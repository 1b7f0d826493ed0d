/** A testnet as a file for `docker compose`. */
import { stringify } from 'yaml';
import type { Seat } from './plan.ts';

export interface ComposeOptions {
  readonly seats: readonly Seat[];
  /** Full addresses. */
  readonly bootstraps: readonly string[];
  readonly image: string;
  /** Who owns the directories of the members, as `uid:gid`. */
  readonly user: string;
}

export function composeFile({ seats, bootstraps, image, user }: ComposeOptions): string {
  const services = Object.fromEntries(
    seats.map((seat) => [
      seat.name,
      { ...common(seat, image, user), ...(seat.role === 'node' ? node() : bootstrap(seat, bootstraps)) },
    ]),
  );
  return `# docker compose up -d; the image: docker build -t ${image} ., in a clone\n${stringify({ services })}`;
}

function common({ name }: Seat, image: string, user: string) {
  return {
    image,
    user,
    hostname: name,
    restart: 'unless-stopped',
    read_only: true,
    tmpfs: ['/tmp'],
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    init: true,
    stop_grace_period: '30s',
    volumes: [`./${name}:/var/lib/starlings`],
    deploy: { resources: { limits: { memory: '1G' } } },
  };
}

function node() {
  return {
    command: ['node', '--config', '/var/lib/starlings/node.yaml'],
    healthcheck: {
      test: ['CMD', 'node', '-e', healthScript('/health')],
      interval: '30s',
      timeout: '10s',
      retries: 3,
      start_period: '120s',
    },
  };
}

function bootstrap(seat: Seat, addresses: readonly string[]) {
  return {
    command: [
      'bootstrap',
      '--dir',
      '/var/lib/starlings',
      '--listen',
      seat.listen,
      '--announce',
      seat.dial,
      ...othersOf(seat, addresses),
    ],
  };
}

/** The flags by which a bootstrap finds the others, and what it does for nodes. */
export function othersOf({ dial, isRelay }: Seat, addresses: readonly string[]): string[] {
  const others = addresses
    .filter((address) => !address.startsWith(`${dial}/`))
    .flatMap((address) => ['--bootstrap', address]);
  return isRelay ? others : [...others, '--no-relay-serve'];
}

/** The API answers on the loopback interface of the container alone, so what asks it runs there. */
export function healthScript(path: string, port = 8080): string {
  return `fetch('http://127.0.0.1:${port}${path}').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))`;
}
