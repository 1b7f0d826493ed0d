/** The page and what it shows, for a feed that is no node of its own. Nothing can be commanded here. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type HttpServer, listen } from './http-server.ts';
import { loopback } from './listen-address.ts';
import type { LiveFeed } from './live.ts';
import { serveLive } from './live-route.ts';
import { servePage } from './page-files.ts';
import { reply } from './replies.ts';
import { Watchers } from './watchers.ts';

export interface PageServerOptions {
  /** 0 lets the system choose. */
  readonly port: number;
  readonly feed: LiveFeed;
  /** Told of what nobody foresaw. */
  readonly onError: (error: unknown) => void;
}

/** @throws EADDRINUSE and the like, with address and port. */
export async function startPageServer({ port, feed, onError }: PageServerOptions): Promise<HttpServer> {
  const watchers = new Watchers();
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    const [path = ''] = (request.url ?? '').split('?');
    if (request.method !== 'GET') reply(response, 405, 'text/plain', 'GET\n');
    else if (path === '/live') serveLive(feed, watchers, response, false);
    else if (!(await servePage(path, response))) {
      reply(response, 404, 'text/plain', 'GET /live, the page at GET /\n');
    }
  }
  return listen({ at: loopback(port), answer, onError, beforeClose: () => watchers.end() });
}
