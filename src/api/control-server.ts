/** The HTTP API of a node on the loopback interface: what scripts, watchers and the command line talk to. */

import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { prettifyError, ZodError } from 'zod';
import { parseJson } from '../core/parse-json.ts';
import { NODE_COMMANDS, type NodeCommand, type NodeControl } from '../node/commands.ts';
import type { NodeEvent } from '../node/events.ts';
import { EventStream } from './event-stream.ts';
import { healthOf } from './health.ts';
import { metricsText } from './metrics.ts';

export interface ControlServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  close(): Promise<void>;
}

export interface ControlServerOptions {
  /** 0 lets the system choose. */
  readonly port: number;
  readonly control: NodeControl;
  /** Whoever may read the file that holds it may command the node. */
  readonly token: string;
  readonly subscribe: (listener: (event: NodeEvent) => void) => () => void;
  /** Told of what nobody foresaw. */
  readonly onError: (error: unknown) => void;
}

/** Of a command's input, as JSON. */
const commandBytesMax = 64 << 10;

const closePatienceMs = 1000;

/** @throws EADDRINUSE and the like, with address and port. */
export async function startControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const events = new EventStream({ subscribe: options.subscribe, views: () => options.control.views() });
  const routes = new Routes(options, events);
  const server = createServer((request, response) => {
    routes.answer(request, response).catch((error: unknown) => {
      options.onError(error);
      response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => closed(server, events) };
}

class Routes {
  readonly #options: ControlServerOptions;
  readonly #events: EventStream;

  constructor(options: ControlServerOptions, events: EventStream) {
    this.#options = options;
    this.#events = events;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A web page that made its name point here (DNS rebinding) still sends that name.
    if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? '')) {
      request.resume();
      reply(response, 403, 'text/plain', 'this API answers to 127.0.0.1 only\n');
      return;
    }
    const path = (request.url ?? '').split('?')[0]!;
    if (request.method === 'POST') {
      await this.#post(path, request, response);
      return;
    }
    request.resume();
    if (request.method === 'GET') await this.#get(path, request, response);
    else reply(response, 405, 'text/plain', 'GET or POST\n');
  }

  async #get(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { control } = this.#options;
    const ofRun = /^\/runs\/([a-z0-9]+)\/status$/.exec(path)?.[1];
    if (path === '/status') {
      const { json } = await commandOf('status')!.perform(control, {});
      replyJson(response, 200, json);
    } else if (path === '/health') {
      const health = healthOf(control.views());
      replyJson(response, health.healthy ? 200 : 503, health);
    } else if (path === '/metrics') {
      reply(response, 200, 'text/plain; version=0.0.4', metricsText(control.summary(), control.views()));
    } else if (path === '/events') {
      // Nobody needs the token to watch; with it there is always a place.
      if (!this.#events.serve(response, this.#mayCommand(request))) {
        reply(response, 503, 'text/plain', 'too many watch already; with the token there is a place\n');
      }
    } else if (ofRun !== undefined) {
      const view = control.views().find(({ runId }) => runId === ofRun);
      if (view) replyJson(response, 200, view);
      else replyError(response, 404, 'NOT_JOINED', `this node takes no part in run ${ofRun}`);
    } else {
      const commands = NODE_COMMANDS.map(({ id }) => `POST /${id}`).join(', ');
      const known = 'GET /status, GET /runs/RUN/status, GET /health, GET /metrics, GET /events';
      reply(response, 404, 'text/plain', `${known}; with the token: ${commands}\n`);
    }
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
        replyError(response, 400, 'BAD_INPUT', `expected JSON of at most ${commandBytesMax} bytes`);
      } else await this.#perform(command, input, response);
    }
  }

  async #perform(command: NodeCommand, input: unknown, response: ServerResponse): Promise<void> {
    try {
      const { json, lines } = await command.perform(this.#options.control, input);
      replyJson(response, 200, { ...json, lines });
    } catch (error) {
      if (error instanceof ZodError) {
        replyError(response, 400, 'BAD_INPUT', prettifyError(error));
        return;
      }
      const { code, message, path, syscall } = error as NodeJS.ErrnoException;
      // Our own errors carry a code and a sentence; anything else is a defect and goes to the log as well.
      if (typeof code !== 'string') this.#options.onError(error);
      replyError(response, 422, code ?? 'UNKNOWN', message, { path, syscall });
    }
  }

  #mayCommand(request: IncomingMessage): boolean {
    const given = Buffer.from(request.headers.authorization ?? '');
    const wanted = Buffer.from(`Bearer ${this.#options.token}`);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  }
}

function commandOf(id: string): NodeCommand | undefined {
  return NODE_COMMANDS.find((command) => command.id === id);
}

/** Null where it is too long. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > commandBytesMax) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function replyJson(response: ServerResponse, status: number, value: unknown): void {
  reply(response, status, 'application/json', JSON.stringify(value));
}

function replyError(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  about: { readonly path?: string | undefined; readonly syscall?: string | undefined } = {},
): void {
  replyJson(response, status, { error: { code, message, ...about } });
}

function reply(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type }).end(body);
}

/** Answers under way get a moment to arrive: the one to the command that stops the node is among them. */
async function closed(server: Server, events: EventStream): Promise<void> {
  events.end();
  const late = setTimeout(() => server.closeAllConnections(), closePatienceMs);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearTimeout(late);
}
