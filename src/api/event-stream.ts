/** The events of a node as server-sent events (HTML, section 9.2), for whoever watches live. */
import type { ServerResponse } from 'node:http';
import type { NodeEvent } from '../node/events.ts';
import type { RunView } from '../node/run-view.ts';

/** More watchers than this are sent away, but the owner of the node is not: its watchers take the places of others. */
const watchersMax = 16;
/** A watcher that reads this much too slowly is dropped; it may come back and begins with the views again. */
const unreadBytesMax = 1 << 20;
/** Proxies close what is silent for longer. Guess. */
const aliveEveryMs = 15_000;

export interface EventStreamOptions {
  readonly subscribe: (listener: (event: NodeEvent) => void) => () => void;
  readonly views: () => readonly RunView[];
}

export class EventStream {
  readonly #options: EventStreamOptions;
  /** Oldest first, and whether it showed the token. */
  readonly #watchers = new Map<ServerResponse, { readonly isOwner: boolean }>();

  constructor(options: EventStreamOptions) {
    this.#options = options;
  }

  /** Sends everybody away. */
  end(): void {
    for (const response of this.#watchers.keys()) response.destroy();
  }

  /** Sends the views as they are, then every event. False where there are too many watchers. */
  serve(response: ServerResponse, isOwner: boolean): boolean {
    if (this.#watchers.size >= watchersMax && !(isOwner && this.#makeRoom())) return false;
    this.#watchers.set(response, { isOwner });
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    const send = (kind: string, data: unknown): void => {
      response.write(`event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`);
      if (response.writableLength > unreadBytesMax) response.destroy();
    };
    send('runs', this.#options.views());
    const unsubscribe = this.#options.subscribe((event) => send('event', event));
    const alive = setInterval(() => response.write(':\n\n'), aliveEveryMs);
    response.once('close', () => {
      clearInterval(alive);
      unsubscribe();
      this.#watchers.delete(response);
    });
    return true;
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
