/**
 * Networks behind routers, of network namespaces: an internet of public addresses, and routers on it with a private
 * network behind each. Needs root, `ip` and `nft`; touches nothing outside its namespaces.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { PeerSpec, PeerStatus } from './peer.ts';
import { PmpRouter } from './pmp-router.ts';

/**
 * How a router treats what comes in and goes out:
 * - `open`: no router at all, a public address
 * - `forwarded`: everything that comes in goes to the machine behind it (a full cone, or one-to-one)
 * - `mapped`: one port of another number comes in, and leads to the port that the machine listens on
 * - `asked`: as `cone`, and a port of another number comes in for who asks for one by NAT-PMP (pmp-router.ts)
 * - `cone`: the port is kept, and only who was written to may answer (port restricted)
 * - `symmetric`: another port for everybody who is written to
 */
export type Nat = 'open' | 'forwarded' | 'mapped' | 'asked' | 'cone' | 'symmetric';

/** Outside, of `mapped`, and the first of `asked`. */
export const mappedPort = 40_001;

/** Why there can be no lab here; null where there can. */
export function labMissing(): string | null {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux';
  if (process.getuid?.() !== 0) return 'namespaces and their rules need root';
  const name = `starlings-${process.pid}-try`;
  try {
    execFileSync('ip', ['netns', 'add', name], { stdio: 'pipe' });
    execFileSync('ip', ['netns', 'exec', name, 'nft', 'add table ip try'], { stdio: 'pipe' });
    return null;
  } catch (error) {
    return `\`ip netns\` and \`nft\` do not work here: ${error instanceof Error ? error.message.split('\n')[0] : error}`;
  } finally {
    try {
      execFileSync('ip', ['netns', 'del', name], { stdio: 'pipe' });
    } catch {
      // It was not made.
    }
  }
}

export class Lab {
  readonly #prefix: string;
  readonly #namespaces: string[] = [];
  readonly #peers: LabPeer[] = [];
  readonly #routers: PmpRouter[] = [];
  #machines = 0;

  constructor() {
    this.#prefix = `starlings-${process.pid}`;
    this.#add('wan');
    this.#in('wan', 'ip link add br0 type bridge', 'ip link set br0 up', 'ip link set lo up');
  }

  /** A machine with an address of the internet, or behind a router that has one. Resolves to its namespace and its own address. */
  machine(nat: Nat): {
    readonly namespace: string;
    readonly address: string;
    readonly publicAddress: string;
  } {
    const place = ++this.#machines;
    // Public as far as anybody can tell from the numbers; nothing leaves the namespaces.
    const publicAddress = `45.${10 + place}.0.2`;
    const machine = this.#add(`m${place}`);
    if (nat === 'open') {
      this.#connect('wan', machine, publicAddress);
      return { namespace: machine, address: publicAddress, publicAddress };
    }
    const router = this.#add(`r${place}`);
    this.#connect('wan', router, publicAddress);
    const [inner, address] = [`192.168.${place}.1`, `192.168.${place}.2`];
    const [a, b] = [`l${place}a`, `l${place}b`];
    this.#host(
      `ip link add ${a} netns ${router} type veth peer name ${b} netns ${machine}`,
      `ip -n ${router} addr add ${inner}/24 dev ${a}`,
      `ip -n ${router} link set ${a} up`,
      `ip -n ${machine} addr add ${address}/24 dev ${b}`,
      `ip -n ${machine} link set ${b} up`,
      `ip -n ${machine} route add default via ${inner}`,
    );
    this.#in(router, 'sysctl -qw net.ipv4.ip_forward=1');
    this.#rules(router, nat, address);
    if (nat === 'asked') this.#routers.push(PmpRouter.start(router, inner, publicAddress, mappedPort));
    return { namespace: machine, address, publicAddress };
  }

  /** Machines of one local network without a way out. */
  network(machines: number): string[] {
    const bridge = this.#add('lan');
    this.#in(bridge, 'ip link add br0 type bridge', 'ip link set br0 up');
    return Array.from({ length: machines }, (_, index) => {
      const name = this.#add(`h${index}`);
      this.#host(
        `ip link add v${index} netns ${bridge} type veth peer name eth0 netns ${name}`,
        `ip -n ${bridge} link set v${index} master br0 up`,
        `ip -n ${name} addr add 192.168.77.${index + 2}/24 broadcast + dev eth0`,
        `ip -n ${name} link set eth0 up`,
        `ip -n ${name} route add 224.0.0.0/4 dev eth0`,
      );
      return name;
    });
  }

  /** What routers of `asked` have given out by now, and taken back. */
  get given(): readonly string[] {
    return this.#routers.flatMap(({ said }) => said);
  }

  start(namespace: string, spec: PeerSpec): LabPeer {
    const peer = new LabPeer(namespace, spec);
    this.#peers.push(peer);
    return peer;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#peers, ...this.#routers].map((one) => one.stop()));
    for (const namespace of this.#namespaces.reverse()) this.#host(`ip netns del ${namespace}`);
  }

  #add(name: string): string {
    const full = `${this.#prefix}-${name}`;
    this.#host(`ip netns add ${full}`);
    this.#namespaces.push(full);
    this.#host(`ip -n ${full} link set lo up`);
    return full;
  }

  #connect(wan: string, namespace: string, address: string): void {
    const device = `w${this.#machines}`;
    this.#host(
      `ip link add ${device} netns ${this.#prefix}-${wan} type veth peer name eth0 netns ${namespace}`,
      `ip -n ${this.#prefix}-${wan} link set ${device} master br0 up`,
      `ip -n ${namespace} addr add ${address}/8 dev eth0`,
      `ip -n ${namespace} link set eth0 up`,
    );
  }

  #rules(router: string, nat: Exclude<Nat, 'open'>, inner: string): void {
    const out = nat === 'symmetric' ? 'masquerade fully-random' : 'masquerade';
    const table = [
      'table ip nat {',
      '  chain out { type nat hook postrouting priority srcnat; policy accept;',
      `    oifname "eth0" ${out}`,
      '  }',
      ...(nat === 'asked'
        ? ['  chain in { type nat hook prerouting priority dstnat; policy accept;', '  }']
        : []),
      ...(nat === 'forwarded' || nat === 'mapped'
        ? [
            '  chain in { type nat hook prerouting priority dstnat; policy accept;',
            nat === 'mapped'
              ? `    iifname "eth0" tcp dport ${mappedPort} dnat to ${inner}:4001`
              : `    iifname "eth0" tcp dport 1024-65535 dnat to ${inner}`,
            '  }',
          ]
        : []),
      '}',
      'table ip filter {',
      // What nobody asked for is swallowed, as routers do.
      '  chain input { type filter hook input priority filter; policy accept;',
      '    iifname "eth0" ct state established,related accept',
      '    iifname "eth0" drop',
      '  }',
      '  chain forward { type filter hook forward priority filter; policy accept;',
      '    iifname "eth0" ct state established,related accept',
      '    iifname "eth0" ct status dnat accept',
      '    iifname "eth0" drop',
      // Nor does anything of a private network leave it as such.
      '    oifname "eth0" ip daddr 192.168.0.0/16 drop',
      '  }',
      '}',
    ].join('\n');
    execFileSync('ip', ['netns', 'exec', router, 'nft', '-f', '-'], {
      input: table,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  #in(name: string, ...commands: string[]): void {
    const namespace = name.startsWith(this.#prefix) ? name : `${this.#prefix}-${name}`;
    for (const command of commands)
      execFileSync('ip', ['netns', 'exec', namespace, ...command.split(' ')], { stdio: 'pipe' });
  }

  #host(...commands: string[]): void {
    for (const command of commands) {
      const [program = '', ...rest] = command.split(' ');
      execFileSync(program, rest, { stdio: 'pipe' });
    }
  }
}

/** Of a node that was told nothing; what is found is found over the internet. */
export const plainProfile: PeerSpec['profile'] = {
  listen: ['/ip4/0.0.0.0/tcp/4001'],
  useRelays: true,
  serveRelay: null,
  mapPorts: false,
  multicastDns: false,
};

/** A bootstrap with a public address that relays, as `starlings bootstrap` does. */
export async function openInternet(lab: Lab): Promise<{ readonly bootstrap: readonly string[] }> {
  const { namespace, address } = lab.machine('open');
  const serveRelay = {
    ...{ reservationsMax: 64, reservationsPerAddressMax: 8 },
    ...{ bytesMax: 2 ** 30, durationMsMax: 3_600_000, bytesPerHourMax: 2 ** 34 },
  };
  const peer = lab.start(namespace, { seed: 1, bootstrap: [], profile: { ...plainProfile, serveRelay } });
  const { peerId } = await peer.until('it is there', () => true);
  return { bootstrap: [`/ip4/${address}/tcp/4001/p2p/${peerId}`] };
}

export class LabPeer {
  readonly #child: ChildProcess;
  readonly #said: string[] = [];
  #status: PeerStatus | null = null;

  constructor(namespace: string, spec: PeerSpec) {
    const program = fileURLToPath(new URL('./peer.ts', import.meta.url));
    this.#child = spawn('ip', ['netns', 'exec', namespace, process.execPath, program, JSON.stringify(spec)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      this.#status = JSON.parse(line);
    });
    createInterface({ input: this.#child.stderr! }).on('line', (line) => this.#said.push(line));
  }

  get status(): PeerStatus | null {
    return this.#status;
  }

  tell(what: {
    readonly announce?: string;
    readonly ask?: string;
    readonly bytes?: number;
    readonly leave?: true;
  }): void {
    this.#child.stdin!.write(`${JSON.stringify(what)}\n`);
  }

  /** @throws with how it stands where the condition does not come true in time */
  async until(
    what: string,
    condition: (status: PeerStatus) => boolean,
    deadlineMs = 30_000,
  ): Promise<PeerStatus> {
    const endMs = Date.now() + deadlineMs;
    while (this.#status === null || !condition(this.#status)) {
      if (Date.now() > endMs) {
        throw new Error(
          `not within ${deadlineMs} ms: ${what}\n${JSON.stringify(this.#status, null, 1)}\n${this.#said.slice(-20).join('\n')}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return this.#status;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    // `ip netns exec` becomes the program it starts.
    this.#child.kill('SIGKILL');
    await gone;
  }
}
