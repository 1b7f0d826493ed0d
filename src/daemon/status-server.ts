/** The daemon's HTTP API on the loopback interface: what `starlings testnet` and scripts read. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { NodeStatus } from './status.ts';

export interface StatusServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  close(): Promise<void>;
}

export interface StatusServerOptions {
  readonly port: number;
  readonly status: () => NodeStatus;
  readonly stop: () => void;
}

/** @throws EADDRINUSE and the like, with address and port. */
export async function startStatusServer(options: StatusServerOptions): Promise<StatusServer> {
  const server = createServer((request, response) => answer(request, response, options));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => closed(server) };
}

function answer(request: IncomingMessage, response: ServerResponse, options: StatusServerOptions): void {
  request.resume();
  // A web page that made its name point here (DNS rebinding) still sends that name.
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? '')) {
    reply(response, 403, 'text/plain', 'this API answers to 127.0.0.1 only\n');
    return;
  }
  switch (`${request.method} ${request.url}`) {
    case 'GET /status':
      reply(response, 200, 'application/json', JSON.stringify(options.status()));
      break;
    case 'GET /metrics':
      reply(response, 200, 'text/plain; version=0.0.4', metricsText(options.status()));
      break;
    case 'POST /stop':
      // A browser cannot send this header to another origin without asking first.
      if (request.headers['x-starlings'] === undefined) {
        reply(response, 403, 'text/plain', 'POST /stop needs the header X-Starlings: stop\n');
        break;
      }
      reply(response, 202, 'text/plain', 'stopping\n');
      options.stop();
      break;
    default:
      reply(response, 404, 'text/plain', 'GET /status, GET /metrics or POST /stop\n');
  }
}

/** Prometheus text format 0.0.4. */
export function metricsText(status: NodeStatus): string {
  const gauges: Array<[string, string, number | null]> = [
    ['starlings_round', 'Round of the wall-clock slot.', status.round],
    ['starlings_finalised_round', 'Highest finalised round.', status.finalisedRound],
    ['starlings_lag_messages', 'Messages known to exist and not held.', status.lag],
    ['starlings_peers', 'Connected peers of the run.', status.peers],
    ['starlings_training_loss', 'Mean loss of the last local round.', status.loss],
    ['starlings_accuracy', 'Accuracy on the held-out examples.', status.accuracy],
  ];
  const counters: Array<[string, string, number]> = [
    ['starlings_bytes_in_total', 'Bytes received on all connections.', status.bytesIn],
    ['starlings_bytes_out_total', 'Bytes sent on all connections.', status.bytesOut],
    ['starlings_deltas_published_total', 'Deltas this node published.', status.deltasPublished],
  ];
  const lines: string[] = [];
  for (const [name, help, value] of gauges) {
    if (value !== null) lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${value}`);
  }
  for (const [name, help, value] of counters) {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} counter`, `${name} ${value}`);
  }
  lines.push('# HELP starlings_refused_total Refused messages.', '# TYPE starlings_refused_total counter');
  for (const [reason, count] of Object.entries(status.refused)) {
    lines.push(`starlings_refused_total{reason="${reason}"} ${count}`);
  }
  return `${lines.join('\n')}\n`;
}

function reply(response: ServerResponse, code: number, type: string, body: string): void {
  response.writeHead(code, { 'content-type': type }).end(body);
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
