/** Where an API listens: a socket file, or a port; away from the loopback interface with TLS alone. */

import { X509Certificate } from 'node:crypto';
import { isIP, SocketAddress } from 'node:net';
import { createSecureContext } from 'node:tls';
import { reasonOf } from '../core/as-error.ts';

export interface TlsIdentity {
  /** PEM; those that it was signed by may follow it. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
}

export type ListenAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      readonly tls: TlsIdentity | null;
    };

/** 0 lets the system choose. */
export function loopback(port: number): ListenAddress {
  return { kind: 'tcp', host: '127.0.0.1', port, tls: null };
}

/** `sun_path` less its last zero (unix(7)); macOS has less. */
const socketPathBytesMax = process.platform === 'linux' ? 107 : 103;

type Place = { readonly path: string } | { readonly host: string; readonly port: number };

/** `unix:/path`, `IP:PORT` or `[IPv6]:PORT`; else why not. */
function placeIn(text: string): Place | string {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    const bytes = Buffer.byteLength(path);
    if (bytes === 0 || path.includes('\0')) return `${text} names no file`;
    if (bytes <= socketPathBytesMax) return { path };
    return `${text} has a path of ${bytes} bytes, and a socket takes ${socketPathBytesMax}: choose a shorter one`;
  }
  const [, v6, name, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = v6 ?? (name === 'localhost' ? '127.0.0.1' : name);
  const port = Number(digits);
  if (host === undefined || isIP(host) !== (v6 === undefined ? 4 : 6) || port > 65_535) {
    return `${text} is no address to listen on: expected unix:/path, IP:PORT or [IPv6]:PORT`;
  }
  return { host, port };
}

export function isLoopback(host: string): boolean {
  if (isIP(host) === 0) return host === 'localhost';
  const { address } = new SocketAddress({ address: host, family: isIP(host) === 4 ? 'ipv4' : 'ipv6' });
  return address === '::1' || address.startsWith('127.');
}

/** Why an API cannot listen so; null where it can, as far as can be told without reading files. */
export function listenProblem(
  text: string,
  { certificate, key }: { readonly certificate?: string | undefined; readonly key?: string | undefined },
): string | null {
  const place = placeIn(text);
  if (typeof place === 'string') return place;
  if ((certificate === undefined) !== (key === undefined)) {
    return 'TLS needs a certificate and its key together';
  }
  if ('path' in place) return certificate === undefined ? null : `${text} takes no certificate`;
  if (certificate !== undefined || isLoopback(place.host)) return null;
  return `${text} can be reached from other machines: give certificate and key (PEM files) as well, or listen on 127.0.0.1 or on unix:/path`;
}

export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code = 'BAD_ADDRESS';
}

/** @throws ListenError as `listenProblem`, and for what is no certificate with its key */
export function listenAddress(text: string, tls: TlsIdentity | null): ListenAddress {
  const place = placeIn(text);
  const problem = listenProblem(text, tls ?? {});
  if (typeof place === 'string' || problem !== null) throw new ListenError(problem ?? String(place));
  if ('path' in place) return { kind: 'unix', path: place.path };
  if (tls !== null) checkIdentity(tls);
  return { kind: 'tcp', ...place, tls };
}

function checkIdentity({ certificate, key }: TlsIdentity): void {
  try {
    new X509Certificate(certificate);
    createSecureContext({ cert: certificate, key });
  } catch (error) {
    const why = reasonOf(error);
    throw new ListenError(
      `what the API was given is no certificate with its own key, each in PEM and without a password (${why})`,
    );
  }
}
