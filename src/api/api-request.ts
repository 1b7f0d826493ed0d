/** Asks an API where it is: on a port, on a socket file, or with TLS. */

import { X509Certificate } from 'node:crypto';
import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { request as requestTls } from 'node:https';
import type { PeerCertificate } from 'node:tls';

export interface ApiPlace {
  /** `http://127.0.0.1:PORT`, `https://HOST:PORT` or `unix:/path`. */
  readonly url: string;
  /** PEM: the one certificate that it has, whoever signed it and whatever it is called by. */
  readonly certificate?: string | undefined;
}

export interface ApiRequest {
  readonly method?: 'GET' | 'POST';
  /** With its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** @throws system errors where nobody answers; AbortError */
export function requestApi({ url, certificate }: ApiPlace, asked: ApiRequest): Promise<IncomingMessage> {
  const { method = 'GET', path, headers = {}, body, signal } = asked;
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const options: RequestOptions = { method, headers: { ...headers, ...length }, signal, agent: false };
  return new Promise((resolve, reject) => {
    const opened = url.startsWith('unix:')
      ? request({ ...options, path, socketPath: url.slice('unix:'.length), host: 'localhost' }, resolve)
      : url.startsWith('https:')
        ? requestTls(`${url}${path}`, { ...options, ...trusting(certificate) }, resolve)
        : request(`${url}${path}`, options, resolve);
    opened.once('error', reject).end(body);
  });
}

/** Without a certificate to go by: what the system trusts, under the name that was asked for. */
function trusting(certificate: string | undefined): object {
  if (certificate === undefined) return {};
  const { fingerprint256 } = new X509Certificate(certificate);
  return {
    ca: certificate,
    // It need not have signed itself.
    allowPartialTrustChain: true,
    checkServerIdentity: (_host: string, shown: PeerCertificate) =>
      shown.fingerprint256 === fingerprint256
        ? undefined
        : new Error('the node shows another certificate than the one that was given'),
  };
}
