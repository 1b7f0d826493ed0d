/** A TCP line of so many bytes a second, whatever the machine could do: what `tc tbf` does to packets, done to streams. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Passed on at a time: few timers, and no bursts that a socket's buffer would hide. */
const pieceMs = 10;

export interface ShapedLine {
  readonly port: number;
  /** From the target, of all connections. */
  bytesOut(): number;
  /** Cuts what is up; nobody gets through any more. */
  cut(): void;
  close(): Promise<void>;
}

/** Listens on a free port of loopback and forwards to `targetPort`; all its connections share `bytesPerSecond` each way. */
export async function shapedLine(targetPort: number, bytesPerSecond: number): Promise<ShapedLine> {
  const sockets = new Set<Socket>();
  const there = new Bucket(bytesPerSecond);
  const back = new Bucket(bytesPerSecond);
  let isCut = false;
  const server = createServer((near) => {
    const far = connect(targetPort, '127.0.0.1');
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      // The other end learns of it by the end of its own stream.
      socket.on('error', () => undefined);
    }
    if (isCut) near.destroy();
    forward(near, far, there);
    forward(far, near, back);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const destroyAll = (): void => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    bytesOut: () => back.passed,
    cut: destroyAll,
    async close() {
      destroyAll();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

class Bucket {
  readonly #bytesPerSecond: number;
  #freeAtMs = 0;
  passed = 0;

  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Milliseconds until so many bytes have passed. */
  take(bytes: number, nowMs: number): number {
    this.passed += bytes;
    this.#freeAtMs = Math.max(nowMs, this.#freeAtMs) + (bytes / this.#bytesPerSecond) * 1_000;
    return this.#freeAtMs - nowMs;
  }
}

/** What waits is not read: the sender feels it. */
function forward(from: Socket, to: Socket, bucket: Bucket): void {
  from.on('data', (bytes) => {
    const waitMs = bucket.take(bytes.length, performance.now());
    const isTaken = to.destroyed || to.write(bytes);
    if (waitMs < pieceMs && isTaken) return;
    from.pause();
    const go = (): void => void setTimeout(() => from.resume(), Math.max(0, waitMs));
    if (isTaken) go();
    else to.once('drain', go);
  });
  from.on('close', () => to.destroy());
}
