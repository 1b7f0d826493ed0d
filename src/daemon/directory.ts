/** A node's directory: key, log, store, manifest and the file that says where the running daemon is. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import pino, { type Logger } from 'pino';
import { writeFileAtomically } from '../platform/node/atomic-file.ts';
import { makeDirectory } from '../platform/node/make-directory.ts';
import type { LogLevel } from './options.ts';
import { DAEMON_INFO_FILE, type DaemonInfo } from './status.ts';

export interface NodeDirectory {
  readonly path: string;
  readonly keyFile: string;
  readonly storeDirectory: string;
  readonly manifestFile: string;
  readonly log: Logger;
  announceReady(info: DaemonInfo): Promise<void>;
  /** Takes the ready file away, if it is ours, and flushes the log. */
  close(): void;
}

/** Where a node keeps its identity. */
export function keyFileOf(path: string): string {
  return join(path, 'key');
}

/** Creates what is missing. @throws system errors with the path where it may not be written. */
export function openNodeDirectory(path: string, logLevel: LogLevel): NodeDirectory {
  makeDirectory(path);
  const destination = pino.destination({ dest: join(path, 'log.jsonl'), append: true, sync: true });
  const log = pino({ level: logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  const infoFile = join(path, DAEMON_INFO_FILE);
  let announced = false;
  return {
    path,
    keyFile: keyFileOf(path),
    storeDirectory: join(path, 'store'),
    manifestFile: join(path, 'run.manifest'),
    log,
    async announceReady(info) {
      await writeFileAtomically(infoFile, [`${JSON.stringify(info, null, 2)}\n`]);
      announced = true;
    },
    close() {
      // A second node that is refused here must leave the first one's file alone.
      if (announced) rmSync(infoFile, { force: true });
      destination.flushSync();
    },
  };
}
