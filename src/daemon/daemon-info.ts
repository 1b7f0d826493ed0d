/** What a daemon leaves in its directory when it is ready, for whoever wants to find it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

/** What is not encrypted is on this machine: a directory that somebody hands over must not send us elsewhere. */
const doorPattern = /^(?:http:\/\/(?:127(?:\.\d{1,3}){3}|\[::1\]|localhost):\d{1,5}|https:\/\/.+|unix:\/.+)$/;

/** Content of `<directory>/daemon.json`, written atomically when the daemon is ready. */
const daemonInfoSchema = z.object({
  pid: z.int().positive(),
  /** `http://127.0.0.1:PORT`, `https://IP:PORT` or `unix:/path`; null for a bootstrap, which has no API. */
  http: z.string().regex(doorPattern).nullable(),
  /** PEM, of an API with TLS. */
  certificate: z.string().optional(),
  /** libp2p's spelling of the identity. */
  peerId: z.string(),
  peerKey: z.string(),
  /** Multiaddrs with `/p2p/<peerId>`: what others give as --bootstrap. */
  addresses: z.array(z.string()),
  /** Those of them that are public, and that nobody has dialled yet. */
  untried: z.array(z.string()).default([]),
});
export type DaemonInfo = z.infer<typeof daemonInfoSchema>;

/** Name of that file within a node's directory. */
export const DAEMON_INFO_FILE = 'daemon.json';

/** What the daemon of a directory says of itself; null where none is ready there. It may be gone without a word. */
export function readDaemonInfo(directory: string): DaemonInfo | null {
  try {
    const parsed = daemonInfoSchema.safeParse(
      JSON.parse(readFileSync(join(directory, DAEMON_INFO_FILE), 'utf8')),
    );
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
