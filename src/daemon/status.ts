/** What a daemon tells about itself: the file it leaves when it is ready, and the answer to GET /status. */
import * as z from 'zod';
import type { Phase } from '../core/io.ts';

const PHASES = ['waiting', 'joining', 'training', 'draining', 'finished'] as const satisfies readonly Phase[];

/** Content of `<directory>/daemon.json`, written atomically when the daemon is ready. */
export const daemonInfoSchema = z.object({
  pid: z.int().positive(),
  /** `http://127.0.0.1:PORT`; null for a bootstrap, which has no API. */
  http: z.string().nullable(),
  /** libp2p's spelling of the identity. */
  peerId: z.string(),
  peerKey: z.string(),
  /** Multiaddrs with `/p2p/<peerId>`: what others give as --bootstrap. */
  addresses: z.array(z.string()),
});
export type DaemonInfo = z.infer<typeof daemonInfoSchema>;

/** Name of that file within a node's directory. */
export const DAEMON_INFO_FILE = 'daemon.json';

/** The answer to GET /status. Unknown fields are allowed, so that an older watcher can read a newer node. */
export const nodeStatusSchema = z.object({
  peerKey: z.string(),
  runId: z.string(),
  phase: z.enum(PHASES),
  /** Round of the wall-clock slot; -1 before the start, at most `rounds` after the end. */
  round: z.int(),
  rounds: z.int(),
  /** Highest round folded into the base; -1 for none. */
  finalisedRound: z.int(),
  /** SHA-256 (hex) of the finalised model, or of the current local one for mixing methods. */
  modelHash: z.string(),
  /** Messages known to exist and not held yet. */
  lag: z.int(),
  /** Mean training loss of the last local round. */
  loss: z.number().nullable(),
  /** Fraction of right answers on the held-out examples, as of `accuracyRound`. */
  accuracy: z.number().nullable(),
  accuracyRound: z.int().nullable(),
  /** Connected peers of the run. */
  peers: z.int(),
  /** Bytes received and sent on all connections, encryption and overhead included. */
  bytesIn: z.number(),
  bytesOut: z.number(),
  deltasPublished: z.int(),
  /** Bytes of bodies this node published, before gossip multiplies them. */
  announcedBytes: z.number(),
  /** Refused messages by reason. */
  refused: z.record(z.string(), z.int()),
  contributions: z.array(
    z.object({
      peer: z.string(),
      deltas: z.int(),
      /** Of the summed squared norm of all deltas, in [0, 1]. */
      share: z.number(),
    }),
  ),
  backend: z.string(),
  startedAtMs: z.number(),
  /** Where the finished model was saved; null before. */
  modelPath: z.string().nullable(),
});
export type NodeStatus = z.infer<typeof nodeStatusSchema>;
