/** What a node or a bootstrap is started with, and what its starter gets. The command line fills these in. */
import type { PeerKey } from '../core/io.ts';
import type { TrainerCommand } from '../learning/process/trainer-process.ts';
import type { Retention } from '../log/retention.ts';
import type { JoinRequest } from '../node/commands/node-command.ts';
import type { NodeListener } from '../node/create-node.ts';
import type { NodeLimits } from '../node/limits.ts';
import type { RunView } from '../node/view/run-view.ts';
import type { PrivacySpec } from '../run/privacy-spec.ts';
import type { ApiSettings } from './api-settings.ts';
import type { ConnectivityGiven } from './connectivity.ts';
import type { DaemonInfo } from './daemon-info.ts';

export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface BootstrapOptions {
  /** Holds `key`, `log.jsonl`, `store` and `daemon.json`; created where missing. */
  readonly directory: string;
  /** Multiaddrs to listen on; TCP port 0 lets the system choose. */
  readonly listen: readonly string[];
  /** Multiaddrs to tell others in place of those it listens on; empty: those. */
  readonly announce: readonly string[];
  /** Multiaddrs with `/p2p/<peer id>` of nodes to join the DHT through. */
  readonly bootstrap: readonly string[];
  readonly connectivity?: ConnectivityGiven;
  readonly logLevel: LogLevel;
  /** Takes sentences for people: what is being waited for and what to do about it. */
  readonly tell: (sentence: string) => void;
}

export interface DaemonOptions extends BootstrapOptions {
  /** Where the identity is; left out: `key` in the directory. */
  readonly keyFile?: string;
  /** To take part in from the start, besides what the node was told to join earlier. */
  readonly runs: readonly JoinRequest[];
  /** Port of the API on 127.0.0.1, where `api` names no other place; 0 lets the system choose. */
  readonly httpPort: number;
  readonly api?: ApiSettings;
  /** Quota of `content` in the directory, in bytes; 0 or left out: nothing is kept there. */
  readonly contentBytesMax?: number;
  readonly retention?: Retention;
  /** What trains the runs in place of TensorFlow.js. */
  readonly trainer?: TrainerCommand;
  /** Keys to go by in open runs of which nothing is held yet. */
  readonly trust?: readonly PeerKey[];
  /** The budget of this node's examples over all its runs; left out: as its directory has it. */
  readonly privacy?: PrivacySpec | undefined;
  readonly limits?: Partial<NodeLimits>;
  /** Hears of everything from the very start. */
  readonly listener?: NodeListener;
}

/** A started daemon. Its `directory/daemon.json` holds `info` from before this is returned until it stops. */
export interface RunningDaemon {
  readonly info: DaemonInfo;
  /** Resolves after a clean stop (abort of the signal, the command `stop`); rejects where the daemon had to give up. */
  readonly closed: Promise<void>;
}

export interface RunningNode extends RunningDaemon {
  /** Of all runs as of now, those that failed included. */
  readonly views: () => readonly RunView[];
}
