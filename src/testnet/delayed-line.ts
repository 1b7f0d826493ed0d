/** A TCP line with a delay: what `tc netem` does to packets, done to streams, since not every kernel has netem. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Place {
  readonly host: string;
  /** 0 takes a free one where it is listened on. */
  readonly port: number;
}

export interface DelayedLine {
  readonly port: number;
  close(): Promise<void>;
}

/** Of one stream and direction; beyond, whoever sends has to wait. */
const onTheWayMax = 8 << 20;

/** Forwards every connection that comes in; every byte comes out `delayMs` after it went in. @throws system errors where it cannot listen */
export async function delayedLine(from: Place, to: Place, delayMs: number): Promise<DelayedLine> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(to);
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
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(from, resolve);
  });
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
  let delayed = 0;
  const pace = (): void => {
    if (delayed + to.writableLength > onTheWayMax) from.pause();
    else from.resume();
  };
  to.on('drain', pace);
  from.on('data', (bytes) => {
    delayed += bytes.length;
    pace();
    setTimeout(() => {
      delayed -= bytes.length;
      if (!to.destroyed) to.write(bytes);
      pace();
    }, delayMs);
  });
  from.on('close', () => setTimeout(() => to.destroy(), delayMs));
}
