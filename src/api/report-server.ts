/** One page that holds all it shows, for a browser on this machine. */
import { type HttpServer, listen } from './http-server.ts';
import { loopback } from './listen-address.ts';
import { reportPolicy } from './page-report.ts';
import { reply } from './replies.ts';

export interface ReportServerOptions {
  /** 0 lets the system choose. */
  readonly port: number;
  readonly html: string;
  /** Told of what nobody foresaw. */
  readonly onError: (error: unknown) => void;
}

/** A page cannot say itself in what it may be shown. */
const policy = `${reportPolicy}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** @throws EADDRINUSE and the like, with address and port. */
export function startReportServer({ port, html, onError }: ReportServerOptions): Promise<HttpServer> {
  return listen({
    at: loopback(port),
    onError,
    beforeClose: () => {},
    answer: async (request, response) => {
      request.resume();
      const isPage = request.method === 'GET' && request.url === '/';
      if (!isPage) reply(response, 404, 'text/plain', 'the page at GET /\n');
      else reply(response, 200, 'text/html; charset=utf-8', html, { 'content-security-policy': policy });
    },
  });
}
