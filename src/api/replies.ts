/** Answers over HTTP, and bodies of bounded length. */
import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';

/** Of whatever is posted. */
export const bodyBytesMax = 64 << 10;

/** Nothing of ours is to be guessed at, framed, or shown to a page of somebody else. */
export const everywhere = {
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
};

export function reply(
  response: ServerResponse,
  status: number,
  type: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': type, ...everywhere, ...headers }).end(body);
}

export function replyJson(response: ServerResponse, status: number, value: unknown): void {
  reply(response, status, 'application/json', JSON.stringify(value));
}

export function replyError(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  about: Readonly<Partial<Record<'path' | 'dest' | 'syscall', string | undefined>>> = {},
): void {
  replyJson(response, status, { error: { code, message, ...about } });
}

/** What a server is called from outside. */
export interface Place {
  readonly scheme: 'http' | 'https';
  /** Null without TLS: then it is for this machine alone. */
  readonly certificate: X509Certificate | null;
}

/**
 * A web page that made its own name point here (DNS rebinding) still sends that name, and one that asks another origin than its own
 * sends its own. False: answered already.
 */
export function isForUs(request: IncomingMessage, response: ServerResponse, place: Place): boolean {
  const { host = '', origin } = request.headers;
  const isHere = isOurName(host, place);
  if (isHere && (origin === undefined || origin === `${place.scheme}://${host}`)) return true;
  request.resume();
  const ourName = place.certificate === null ? '127.0.0.1' : '127.0.0.1 and the names in its certificate';
  const why = isHere ? 'this API answers to no page but its own' : `this API answers to ${ourName} only`;
  reply(response, 403, 'text/plain', `${why}\n`);
  return false;
}

function isOurName(host: string, { certificate }: Place): boolean {
  const name = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::\d+)?$/
    .exec(host)
    ?.slice(1)
    .find((part) => part !== undefined);
  if (name === undefined) return false;
  if (['127.0.0.1', 'localhost', '::1'].includes(name)) return true;
  if (certificate === null) return false;
  return (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
}

/** Null where it is too long. */
export async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
