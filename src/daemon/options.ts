/** What a node or a bootstrap is started with, and what its starter gets. The command line fills these in. */
import type { BackendChoice } from '../tensor/tfjs-backend.ts';
import type { DaemonInfo } from './status.ts';

export const BACKEND_CHOICES = ['auto', 'wasm', 'fast', 'native'] as const satisfies readonly BackendChoice[];

export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug';
export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const satisfies readonly LogLevel[];

export interface BootstrapOptions {
  /** Holds `key`, `log.jsonl` and `daemon.json`; created where missing. */
  readonly directory: string;
  /** Multiaddrs to listen on; TCP port 0 lets the system choose. */
  readonly listen: readonly string[];
  /** Multiaddrs with `/p2p/<peer id>` of nodes to join the DHT through. */
  readonly bootstrap: readonly string[];
  readonly logLevel: LogLevel;
  /** Takes sentences for people: what is being waited for and what to do about it. */
  readonly tell: (sentence: string) => void;
}

export interface DaemonOptions extends BootstrapOptions {
  /** A manifest file, or a run id whose manifest peers are asked for. */
  readonly run: string;
  /** This node's own examples: a folder of IDX files or a CSV file. */
  readonly dataPath: string;
  /** Port of the status API on 127.0.0.1; 0 lets the system choose. */
  readonly httpPort: number;
  readonly backend: BackendChoice;
}

/** A started daemon. Its `directory/daemon.json` holds `info` from before this is returned until it stops. */
export interface RunningDaemon {
  readonly info: DaemonInfo;
  /** Resolves after a clean stop (abort of the signal, POST /stop); rejects where the daemon had to give up. */
  readonly closed: Promise<void>;
}
