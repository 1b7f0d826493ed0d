/** The HTTP API of a node on the loopback interface: what scripts, watchers, the page and the command line talk to. */

import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { prettifyError, ZodError } from 'zod';
import { parseJson } from '../core/parse-json.ts';
import { commandOf, NODE_COMMANDS, type NodeCommand } from '../node/commands.ts';
import type { NodeEvent } from '../node/events.ts';
import type { HistoryNote } from '../node/histories.ts';
import { NodeError } from '../node/node-error.ts';
import { type HttpServer, listen } from './http-server.ts';
import { serveLive, tooMany } from './live-route.ts';
import type { Metrics } from './metrics.ts';
import { NodeFeed } from './node-feed.ts';
import { openApi } from './openapi.ts';
import { servePage } from './page-files.ts';
import { type NodeSource, READ_ROUTES, type ReadRoute, readRouteOf } from './read-routes.ts';
import { bodyBytesMax, isForUs, readBody, reply, replyError, replyJson } from './replies.ts';
import { Watchers } from './watchers.ts';

export interface ControlServerOptions {
  /** 0 lets the system choose. */
  readonly port: number;
  readonly source: NodeSource;
  /** Whoever may read the file that holds it may command the node. */
  readonly token: string;
  /** Every event, with what it added to the history of its run. */
  readonly subscribe: (listener: (event: NodeEvent, note: HistoryNote | null) => void) => () => void;
  /** Told of what nobody foresaw. */
  readonly onError: (error: unknown) => void;
}

/** @throws EADDRINUSE and the like, with address and port. */
export async function startControlServer(options: ControlServerOptions): Promise<HttpServer> {
  const feed = new NodeFeed(options);
  const watchers = new Watchers();
  const routes = new Routes(options, feed, watchers);
  const { port, onError } = options;
  return listen({
    port,
    onError,
    answer: (request, response) => routes.answer(request, response),
    beforeClose: () => {
      watchers.end();
      feed.stop();
    },
  });
}

class Routes {
  readonly #options: ControlServerOptions;
  readonly #feed: NodeFeed;
  readonly #watchers: Watchers;
  #metrics: Promise<Metrics> | null = null;

  constructor(options: ControlServerOptions, feed: NodeFeed, watchers: Watchers) {
    this.#options = options;
    this.#feed = feed;
    this.#watchers = watchers;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!isForUs(request, response)) return;
    const [path = '', query = ''] = (request.url ?? '').split('?');
    if (request.method === 'POST') {
      await this.#post(path, request, response);
      return;
    }
    request.resume();
    if (request.method !== 'GET') reply(response, 405, 'text/plain', 'GET or POST\n');
    else await this.#get(path, query, request, response);
  }

  async #get(path: string, query: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const found = readRouteOf(path);
    if (found) await this.#read(found.route, found.run, query, response);
    else if (path === '/metrics') {
      const metrics = await this.#metricsOfNode();
      reply(response, 200, metrics.contentType, await metrics.text());
    } else if (path === '/openapi.json') {
      replyJson(response, 200, openApi(this.#options.source.settings().version));
    }
    // Nobody needs the token to watch; with it there is always a place.
    else if (path === '/events') this.#serveEvents(response, this.#mayCommand(request));
    else if (path === '/live') serveLive(this.#feed, this.#watchers, response, this.#mayCommand(request));
    else if (!(await servePage(path, response))) {
      const read = READ_ROUTES.map((route) => `GET ${route.path}`).join(', ');
      const commands = NODE_COMMANDS.map(({ id }) => `POST /${id}`).join(', ');
      const more = 'GET /metrics, GET /events, GET /live, GET /openapi.json, the page at GET /';
      reply(response, 404, 'text/plain', `${read}, ${more}; with the token: ${commands}\n`);
    }
  }

  /** Made when first asked for: from then on it looks at the event loop ten times a second, for which a node that nobody scrapes need not wake. */
  #metricsOfNode(): Promise<Metrics> {
    this.#metrics ??= import('./metrics.ts').then(({ createMetrics }) => createMetrics(this.#options.source));
    return this.#metrics;
  }

  async #read(route: ReadRoute, run: string, query: string, response: ServerResponse): Promise<void> {
    try {
      const asked = { run, query: Object.fromEntries(new URLSearchParams(query)) };
      const { status, json } = await route.read(this.#options.source, asked);
      replyJson(response, status, json);
    } catch (error) {
      this.#refuse(error, response);
    }
  }

  #serveEvents(response: ServerResponse, isOwner: boolean): void {
    const watcher = this.#watchers.admit(response, isOwner);
    if (!watcher) {
      tooMany(response);
      return;
    }
    watcher.send('runs', this.#options.source.views());
    watcher.onGone(this.#options.subscribe((event) => watcher.send('event', event)));
  }

  async #post(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const command = commandOf(path.slice(1));
    // A browser cannot send this header to another origin without asking first.
    if (request.headers['x-starlings'] === undefined) {
      request.resume();
      reply(response, 403, 'text/plain', `POST ${path} needs the header X-Starlings\n`);
    } else if (!this.#mayCommand(request)) {
      request.resume();
      replyError(
        response,
        401,
        'NO_TOKEN',
        'commands need the token in the control.token of the node, as Authorization: Bearer TOKEN',
      );
    } else if (!command) {
      request.resume();
      const known = NODE_COMMANDS.map(({ id }) => id).join(', ');
      replyError(response, 404, 'NO_COMMAND', `there is no command ${path.slice(1)}; there are ${known}`);
    } else {
      const text = await readBody(request);
      const input = text === null ? undefined : text.trim() === '' ? {} : parseJson(text);
      if (input === undefined) {
        replyError(response, 400, 'BAD_INPUT', `expected JSON of at most ${bodyBytesMax} bytes`);
      } else await this.#perform(command, input, response);
    }
  }

  async #perform(command: NodeCommand, input: unknown, response: ServerResponse): Promise<void> {
    try {
      const { json, lines } = await command.perform(this.#options.source, input);
      replyJson(response, 200, { ...json, lines });
    } catch (error) {
      this.#refuse(error, response, 422);
    }
  }

  /** `notJoined`: the status where the run is not here. */
  #refuse(error: unknown, response: ServerResponse, notJoined = 404): void {
    if (error instanceof ZodError) {
      replyError(response, 400, 'BAD_INPUT', prettifyError(error));
      return;
    }
    const { code, message, path, syscall } = error as NodeJS.ErrnoException;
    // Our own errors carry a code and a sentence; anything else is a defect and goes to the log as well.
    if (typeof code !== 'string') this.#options.onError(error);
    const isNotHere = error instanceof NodeError && error.code === 'NOT_JOINED';
    replyError(response, isNotHere ? notJoined : 422, code ?? 'UNKNOWN', message, { path, syscall });
  }

  #mayCommand(request: IncomingMessage): boolean {
    const given = Buffer.from(request.headers.authorization ?? '');
    const wanted = Buffer.from(`Bearer ${this.#options.token}`);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  }
}
