/** Where the API of a node listens, as its file has it. */
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import {
  type ListenAddress,
  ListenError,
  listenAddress,
  listenProblem,
  loopback,
} from '../api/listen-address.ts';

const path = z.string().min(1).max(4096);

export const apiSchema = z.strictObject({
  listen: path
    .optional()
    .describe(
      'unix:/path of a socket that only this user may use, IP:PORT or [IPv6]:PORT; absent: 127.0.0.1 and httpPort. What other machines reach needs ' +
        'certificate and key, and asks for the token whatever is read',
    ),
  certificate: path.optional().describe('PEM file: with it and its key the API speaks TLS'),
  key: path.optional().describe('PEM file without a password'),
  token: path
    .optional()
    .describe(
      'file of mode 0600 with the token that commands need, 64 hexadecimal digits, on a socket file or with TLS; absent: another one with each start',
    ),
});
export type ApiSettings = z.infer<typeof apiSchema>;

/** Why it cannot be, and the field to blame. */
export function apiProblem(
  { listen, certificate, key, token }: ApiSettings,
  httpPort: number,
): { readonly path: readonly string[]; readonly message: string } | null {
  if (listen !== undefined && httpPort !== 0) {
    return {
      path: ['httpPort'],
      message: 'says where the API listens, and so does api.listen: leave one out',
    };
  }
  const message = listenProblem(listen ?? `127.0.0.1:${httpPort}`, { certificate, key });
  if (message !== null) return { path: ['api'], message };
  if (token === undefined || certificate !== undefined || listen?.startsWith('unix:')) return null;
  const why = 'whoever takes its port once the node is gone is shown a token that stays';
  return { path: ['api', 'token'], message: `goes with unix:/path or with certificate and key: ${why}` };
}

/** @throws ListenError with one sentence; system errors where a file cannot be read */
export async function listenAddressOf(settings: ApiSettings, httpPort: number): Promise<ListenAddress> {
  const problem = apiProblem(settings, httpPort);
  if (problem !== null) throw new ListenError(`${problem.path.join('.')}: ${problem.message}`);
  const { listen, certificate, key } = settings;
  if (certificate === undefined || key === undefined) {
    return listen === undefined ? loopback(httpPort) : listenAddress(listen, null);
  }
  const [certificateText, keyText] = await Promise.all(
    [certificate, key].map((file) => readFile(file, 'utf8')),
  );
  return listenAddress(listen ?? `127.0.0.1:${httpPort}`, { certificate: certificateText!, key: keyText! });
}

/** A socket file beside the settings that name it. */
export function socketFrom(listen: string, resolve: (path: string) => string): string {
  return listen.startsWith('unix:') ? `unix:${resolve(listen.slice('unix:'.length))}` : listen;
}
