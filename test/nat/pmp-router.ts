/**
 * A router that gives out ports by NAT-PMP (RFC 6886), in its own network namespace, by rules of nftables: the class starts it there, and
 * the file as a program is it. It overhears the first datagram of each asker, as a busy one does.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export class PmpRouter {
  readonly #child: ChildProcess;
  /** Lines such as `40001 -> 192.168.2.2:4001` and `40001 back`. */
  readonly said: string[] = [];

  private constructor(child: ChildProcess) {
    this.#child = child;
    createInterface({ input: child.stdout! }).on('line', (line) => this.said.push(line));
  }

  static start(namespace: string, inner: string, outer: string, firstPort: number): PmpRouter {
    const program = fileURLToPath(import.meta.url);
    const asked = [process.execPath, program, inner, outer, String(firstPort)];
    return new PmpRouter(
      spawn('ip', ['netns', 'exec', namespace, ...asked], { stdio: ['ignore', 'pipe', 'inherit'] }),
    );
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await gone;
  }
}

function route(inner: string, outer: string, firstPort: number): void {
  const socket = createSocket('udp4');
  const given = new Map<string, number>();
  const heard = new Set<string>();
  const answer = (op: number, length: number): DataView => {
    const bytes = new DataView(new ArrayBuffer(length));
    bytes.setUint8(1, 128 + op);
    bytes.setUint32(4, Math.floor(performance.now() / 1_000));
    return bytes;
  };
  socket.on('message', (bytes, { address, port }) => {
    const isFirst = !heard.has(address);
    heard.add(address);
    if (isFirst) return;
    const reply = (view: DataView): void => socket.send(new Uint8Array(view.buffer), port, address);
    if (bytes[1] === 0) {
      const view = answer(0, 12);
      for (const [at, byte] of outer.split('.').entries()) view.setUint8(8 + at, Number(byte));
      return reply(view);
    }
    const internal = bytes.readUInt16BE(4);
    const to = `${address}:${internal}`;
    const external = given.get(to) ?? firstPort + given.size;
    if (bytes.readUInt32BE(8) === 0) {
      execFileSync('nft', ['flush', 'chain', 'ip', 'nat', 'in']);
      console.log(`${external} back`);
    } else if (!given.has(to)) {
      const rule = `add rule ip nat in iifname "eth0" tcp dport ${external} dnat to ${to}`;
      execFileSync('nft', [rule]);
      console.log(`${external} -> ${to}`);
      given.set(to, external);
    }
    const view = answer(2, 16);
    view.setUint16(8, internal);
    view.setUint16(10, external);
    view.setUint32(12, bytes.readUInt32BE(8));
    return reply(view);
  });
  socket.bind(5351, inner);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [inner = '', outer = '', firstPort] = process.argv.slice(2);
  route(inner, outer, Number(firstPort));
}
