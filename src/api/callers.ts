/** Who is connected: so many and no more, and of those who showed no token whoever came first makes room. */
import type { Socket } from 'node:net';

export class Callers {
  readonly #max: number;
  /** By their other end, oldest first. */
  readonly #sockets = new Map<string, Socket>();
  readonly #owners = new Set<string>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Of a new connection. On a socket file there is but the user. */
  take(socket: Socket): void {
    const end = endOf(socket);
    if (end === null) return;
    this.#sockets.set(end, socket);
    socket.once('close', () => {
      if (this.#sockets.get(end) !== socket) return;
      this.#sockets.delete(end);
      this.#owners.delete(end);
    });
    if (this.#sockets.size <= this.#max) return;
    const leaving = [...this.#sockets.keys()].find((each) => !this.#owners.has(each)) ?? end;
    this.#sockets.get(leaving)?.destroy();
    // At once: the next one that comes sends somebody else away.
    this.#sockets.delete(leaving);
  }

  /** It showed the token. Under TLS another socket than the one that connected, with the same end. */
  own(socket: Socket): void {
    const end = endOf(socket);
    if (end !== null && this.#sockets.has(end)) this.#owners.add(end);
  }
}

function endOf({ remoteAddress, remotePort }: Socket): string | null {
  return remotePort === undefined ? null : `${remoteAddress} ${remotePort}`;
}
