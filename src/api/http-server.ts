/** A server on the loopback interface that ends in order. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  close(): Promise<void>;
}

export interface HttpServerOptions {
  /** 0 lets the system choose. */
  readonly port: number;
  readonly answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  /** Told of what nobody foresaw. */
  readonly onError: (error: unknown) => void;
  /** Sends those away who would stay for ever. */
  readonly beforeClose: () => void;
}

const closePatienceMs = 1000;

/** @throws EADDRINUSE and the like, with address and port. */
export async function listen(options: HttpServerOptions): Promise<HttpServer> {
  const server = createServer((request, response) => {
    options.answer(request, response).catch((error: unknown) => {
      options.onError(error);
      response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      options.beforeClose();
      return closed(server);
    },
  };
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
