/** A server for this machine, or with TLS for others, that ends in order. */
import { X509Certificate } from 'node:crypto';
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, ListenOptions, Socket } from 'node:net';
import { Callers } from './callers.ts';
import type { ListenAddress } from './listen-address.ts';
import { isForUs, type Place } from './replies.ts';
import { clearSocketFile, inUse } from './socket-file.ts';

export interface HttpServer {
  /** `http://127.0.0.1:PORT`, `https://IP:PORT` or `unix:/path`, as it is reached from this machine. */
  readonly url: string;
  close(): Promise<void>;
}

export interface HttpServerOptions {
  readonly at: ListenAddress;
  /** Of those alone who mean this server. */
  readonly answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  /** Whether it shows what lets it stay where there is room for few. */
  readonly isOwner?: (request: IncomingMessage) => boolean;
  /** Told of what nobody foresaw. */
  readonly onError: (error: unknown) => void;
  /** Sends those away who would stay for ever. */
  readonly beforeClose: () => void;
}

const closePatienceMs = 1000;

/** Who sends a request slower than this is let go of; an answer may take as long as it takes. Guess. */
const patience: ServerOptions = {
  ...{ headersTimeout: 5000, requestTimeout: 5000, connectionsCheckingInterval: 500 },
};
/** As long for the handshake of TLS. */
const handshakeTimeout = 5000;
/** Of all who are connected. Guess. */
const connectionsMax = 256;
/** Of one connection, answers that are under way: browsers and our own clients wait for one before they ask again. */
const answersMax = 4;
/** Who takes nothing of an answer for so long, or for twice as long, is let go of. Guess. */
const unreadMs = 5000;

/** @throws EADDRINUSE and the like, with address and port; ListenError */
export async function listen(options: HttpServerOptions): Promise<HttpServer> {
  const { at } = options;
  const tls = at.kind === 'tcp' ? at.tls : null;
  const place: Place = {
    scheme: tls === null ? 'http' : 'https',
    certificate: tls === null ? null : new X509Certificate(tls.certificate),
  };
  const callers = new Callers(connectionsMax);
  const underWay = new AnswersUnderWay();
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    if (!underWay.take(request.socket, response)) return;
    if (!isForUs(request, response, place)) return;
    if (options.isOwner?.(request)) callers.own(request.socket);
    options.answer(request, response).catch((error: unknown) => {
      // Whoever goes away in the middle of a sentence must not fill our log.
      if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') options.onError(error);
      response.destroy();
    });
  };
  const server =
    tls === null
      ? createServer(patience, answer)
      : createTlsServer({ ...patience, handshakeTimeout, cert: tls.certificate, key: tls.key }, answer);
  server.on('connection', (socket: Socket) => callers.take(socket));
  server.setTimeout(unreadMs, (socket) => {
    const isComputed = socket.writableLength === 0 && underWay.has(socket);
    if (!isComputed) socket.destroy();
  });
  await bind(server, at);
  return {
    url: urlOf(server, at, place),
    close: () => {
      options.beforeClose();
      return closed(server);
    },
  };
}

/** Whoever sends thousands of requests at once would have each of them begun at once: files opened, answers built, and nothing read. */
class AnswersUnderWay {
  readonly #counts = new WeakMap<Socket, number>();

  /** False where nothing is to be answered: it is one too many, and its connection is cut. */
  take(socket: Socket, response: ServerResponse): boolean {
    // What came in one piece with the one that was too many.
    if (socket.destroyed) return false;
    response.once('close', () => this.#add(socket, -1));
    if (this.#add(socket, 1) <= answersMax) return true;
    socket.destroy();
    return false;
  }

  has(socket: Socket): boolean {
    return (this.#counts.get(socket) ?? 0) > 0;
  }

  #add(socket: Socket, count: number): number {
    const sum = (this.#counts.get(socket) ?? 0) + count;
    this.#counts.set(socket, sum);
    return sum;
  }
}

async function bind(server: Server, at: ListenAddress): Promise<void> {
  if (at.kind === 'tcp') {
    await listening(server, { host: at.host, port: at.port });
    return;
  }
  await clearSocketFile(at.path);
  // Nobody else may connect, not even for the moment until it could be changed.
  const before = process.umask(0o177);
  try {
    const bound = listening(server, { path: at.path });
    process.umask(before);
    await bound;
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? inUse(at.path) : error;
  } finally {
    process.umask(before);
  }
}

function listening(server: Server, options: ListenOptions): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function urlOf(server: Server, at: ListenAddress, { scheme }: Place): string {
  if (at.kind === 'unix') return `unix:${at.path}`;
  const { port } = server.address() as AddressInfo;
  const isAny = at.host === '0.0.0.0' || at.host === '::';
  const host = isAny ? '127.0.0.1' : at.host.includes(':') ? `[${at.host}]` : at.host;
  return `${scheme}://${host}:${port}`;
}

/** Answers under way get a moment to arrive: the one to the command that stops the node is among them. */
async function closed(server: Server): Promise<void> {
  const late = setTimeout(() => server.closeAllConnections(), closePatienceMs);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearTimeout(late);
}
