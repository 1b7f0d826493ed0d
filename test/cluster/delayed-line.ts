/** A TCP line with a delay: what `tc netem` does to packets, done to streams, since not every kernel has netem. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface DelayedLine {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens on a free port of loopback and forwards to `targetPort`; every byte comes out `delayMs` after it went in. */
export async function delayedLine(targetPort: number, delayMs: number): Promise<DelayedLine> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(targetPort, '127.0.0.1');
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      // The other end learns of it by the end of its own stream.
      socket.on('error', () => undefined);
    }
    forward(near, far, delayMs);
    forward(far, near, delayMs);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Timers of one length fire in the order in which they were set, so that bytes keep theirs. */
function forward(from: Socket, to: Socket, delayMs: number): void {
  from.on('data', (bytes) => {
    setTimeout(() => {
      if (!to.destroyed) to.write(bytes);
    }, delayMs);
  });
  from.on('close', () => setTimeout(() => to.destroy(), delayMs));
}

/** A port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
