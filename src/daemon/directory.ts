/** A node's directory: key, log, store, manifest and the file that says where the running daemon is. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import pino, { type Logger } from 'pino';
import { writeFileAtomically } from '../data/atomic-file.ts';
import type { LogLevel } from './options.ts';
import { DAEMON_INFO_FILE, type DaemonInfo } from './status.ts';

export interface NodeDirectory {
  readonly path: string;
  readonly keyFile: string;
  readonly storeDirectory: string;
  readonly manifestFile: string;
  readonly log: Logger;
  announceReady(info: DaemonInfo): Promise<void>;
  /** Takes the ready file away and flushes the log. */
  close(): void;
}

/** Creates what is missing. @throws system errors with the path where it may not be written. */
export function openNodeDirectory(path: string, logLevel: LogLevel): NodeDirectory {
  mkdirSync(path, { recursive: true });
  const destination = pino.destination({ dest: join(path, 'log.jsonl'), append: true, sync: true });
  const log = pino({ level: logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  const infoFile = join(path, DAEMON_INFO_FILE);
  return {
    path,
    keyFile: join(path, 'key'),
    storeDirectory: join(path, 'store'),
    manifestFile: join(path, 'run.manifest'),
    log,
    announceReady: (info) => writeFileAtomically(infoFile, [`${JSON.stringify(info, null, 2)}\n`]),
    close() {
      rmSync(infoFile, { force: true });
      destination.flushSync();
    },
  };
}
