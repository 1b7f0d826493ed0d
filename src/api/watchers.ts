/** Those who watch live: streams of server-sent events (HTML, section 9.2), so many and none without bound. */
import type { ServerResponse } from 'node:http';

/** More watchers than this are sent away, but the owner of the node is not: its watchers take the places of others. */
const watchersMax = 16;
/** A watcher that reads this much too slowly, beyond the first message, is dropped; it may come back and begins anew. */
const unreadBytesMax = 1 << 20;
/** Proxies close what is silent for longer. Guess. */
const aliveEveryMs = 15_000;

/** When a browser comes back whose node was started again. */
const retryMs = 500;

export interface Watcher {
  send(kind: string, data: unknown): void;
  /** Called once it has gone. */
  onGone(callback: () => void): void;
}

export class Watchers {
  /** Oldest first, and whether it showed the token. */
  readonly #watchers = new Map<ServerResponse, { readonly isOwner: boolean }>();

  /** Sends everybody away. */
  end(): void {
    for (const response of this.#watchers.keys()) response.destroy();
  }

  /** Null where there are too many, and nothing is answered. */
  admit(response: ServerResponse, isOwner: boolean): Watcher | null {
    if (this.#watchers.size >= watchersMax && !(isOwner && this.#makeRoom())) return null;
    this.#watchers.set(response, { isOwner });
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(`retry: ${retryMs}\n\n`);
    const alive = setInterval(() => response.write(':\n\n'), aliveEveryMs);
    response.once('close', () => {
      clearInterval(alive);
      this.#watchers.delete(response);
    });
    let bytesMax: number | null = null;
    return {
      send: (kind, data) => {
        if (response.destroyed) return;
        response.write(`event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`);
        bytesMax ??= response.writableLength + unreadBytesMax;
        if (response.writableLength > bytesMax) response.destroy();
      },
      onGone: (callback) => response.once('close', callback),
    };
  }

  /** Sends away whoever has watched longest without the token. */
  #makeRoom(): boolean {
    const stranger = [...this.#watchers].find(([, { isOwner }]) => !isOwner)?.[0];
    if (!stranger) return false;
    this.#watchers.delete(stranger);
    stranger.destroy();
    return true;
  }
}
