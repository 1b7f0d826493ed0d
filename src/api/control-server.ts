/** The HTTP API of a node: what scripts, watchers, the page and the command line talk to. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import * as z from 'zod';
import { parseJson } from '../core/parse-json.ts';
import { commandOf, NODE_COMMANDS } from '../node/commands/commands.ts';
import type { NodeCommand } from '../node/commands/node-command.ts';
import type { NodeEvent } from '../node/events.ts';
import { NodeError } from '../node/node-error.ts';
import type { HistoryNote } from '../node/view/histories.ts';
import { Access } from './access.ts';
import { type HttpServer, listen } from './http-server.ts';
import { isLoopback, type ListenAddress } from './listen-address.ts';
import { serveLive, tooMany } from './live-route.ts';
import type { Metrics } from './metrics.ts';
import { serveModel } from './model-route.ts';
import { NodeFeed } from './node-feed.ts';
import { openApi } from './openapi.ts';
import { isPagePath, servePage } from './page-files.ts';
import { type NodeSource, READ_ROUTES, type ReadRoute, readRouteOf, runOf } from './read-routes.ts';
import { bodyBytesMax, readBody, reply, replyError, replyJson } from './replies.ts';
import { Watchers } from './watchers.ts';

export interface ControlServerOptions {
  readonly at: ListenAddress;
  readonly source: NodeSource;
  /** Whoever may read the file that holds it may command the node. */
  readonly token: string;
  /** Every event, with what it added to the history of its run. */
  readonly subscribe: (listener: (event: NodeEvent, note: HistoryNote | null) => void) => () => void;
  /** Told of what nobody foresaw. */
  readonly onError: (error: unknown) => void;
}

const modelPath = /^\/runs\/([a-z0-9]{1,128})\/model$/;
const passInput = z.strictObject({ code: z.string().max(128) });

/** @throws EADDRINUSE and the like, with address and port. */
export async function startControlServer(options: ControlServerOptions): Promise<HttpServer> {
  const feed = new NodeFeed(options);
  const watchers = new Watchers();
  const routes = new Routes(options, feed, watchers);
  const { at, onError } = options;
  return listen({
    at,
    onError,
    answer: (request, response) => routes.answer(request, response),
    isOwner: (request) => routes.mayCommand(request),
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
  readonly #access: Access;
  /** Whoever is on this machine may read, and nobody else gets here. */
  readonly #isLocal: boolean;
  #metrics: Promise<Metrics> | null = null;
  /** Made when first asked for: it takes milliseconds, and stays as it is while the node runs. */
  #description: string | null = null;

  constructor(options: ControlServerOptions, feed: NodeFeed, watchers: Watchers) {
    this.#options = options;
    this.#feed = feed;
    this.#watchers = watchers;
    this.#access = new Access(options.token, () => performance.now());
    this.#isLocal = options.at.kind === 'unix' || isLoopback(options.at.host);
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '', query = ''] = (request.url ?? '').split('?');
    if (!this.#isLocal && !isPagePath(path) && path !== '/pass' && !this.mayCommand(request)) {
      this.#refuseStranger(request, response);
      return;
    }
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
      this.#description ??= JSON.stringify(openApi(this.#options.source.settings().version));
      reply(response, 200, 'application/json', this.#description);
    }
    // Nobody needs the token to watch; with it there is always a place.
    else if (path === '/events') this.#serveEvents(response, this.mayCommand(request));
    else if (modelPath.test(path)) await this.#serveModel(modelPath.exec(path)![1]!, request, response);
    else if (path === '/live') {
      // The page that hears it shows what can be commanded.
      response.setHeader('x-starlings', 'node');
      serveLive(this.#feed, this.#watchers, response, this.mayCommand(request));
    } else if (!(await servePage(path, response))) {
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

  async #serveModel(run: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.mayCommand(request)) {
      this.#refuseStranger(request, response);
      return;
    }
    try {
      await serveModel(runOf(this.#options.source, run), response);
    } catch (error) {
      this.#refuse(error, response);
    }
  }

  async #post(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A browser cannot send this header to another origin without asking first.
    if (request.headers['x-starlings'] === undefined) {
      request.resume();
      reply(response, 403, 'text/plain', `POST ${path} needs the header X-Starlings\n`);
    } else if (path !== '/pass' && !this.mayCommand(request)) this.#refuseStranger(request, response);
    else {
      const text = await readBody(request);
      const input = text === null ? undefined : text.trim() === '' ? {} : parseJson(text);
      if (input === undefined) {
        replyError(response, 400, 'BAD_INPUT', `expected JSON of at most ${bodyBytesMax} bytes`);
      } else if (path === '/pass') this.#givePass(input, response);
      else if (path === '/link') replyJson(response, 200, { code: this.#access.code() });
      else await this.#command(path.slice(1), input, response);
    }
  }

  #givePass(input: unknown, response: ServerResponse): void {
    const { data } = passInput.safeParse(input);
    const token = data && this.#access.passFor(data.code);
    if (token) replyJson(response, 200, { token });
    else
      replyError(
        response,
        401,
        'NO_TOKEN',
        'this link was used or is too old; `starlings node link` makes another',
      );
  }

  async #command(id: string, input: unknown, response: ServerResponse): Promise<void> {
    const command = commandOf(id);
    if (command) await this.#perform(command, input, response);
    else {
      const known = NODE_COMMANDS.map((each) => each.id).join(', ');
      replyError(response, 404, 'NO_COMMAND', `there is no command ${id}; there are ${known}`);
    }
  }

  #refuseStranger(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    const what = this.#isLocal ? 'commands and models need' : 'from other machines everything needs';
    replyError(
      response,
      401,
      'NO_TOKEN',
      `${what} the token in the control.token of the node, as Authorization: Bearer TOKEN`,
    );
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
    if (error instanceof z.ZodError) {
      replyError(response, 400, 'BAD_INPUT', z.prettifyError(error));
      return;
    }
    const { code, message, path, dest, syscall } = error as NodeJS.ErrnoException & { dest?: string };
    // Our own errors carry a code and a sentence; anything else is a defect and goes to the log as well.
    if (typeof code !== 'string') this.#options.onError(error);
    const named = error instanceof NodeError ? error.code : null;
    const status = named === 'NOT_JOINED' ? notJoined : named === 'NOT_HELD' ? 404 : 422;
    replyError(response, status, code ?? 'UNKNOWN', message, { path, dest, syscall });
  }

  mayCommand(request: IncomingMessage): boolean {
    return this.#access.mayCommand(request);
  }
}
