/** The file that a node's log goes to: two of them at most, and none once it cannot be written. */
import { lstatSync, renameSync } from 'node:fs';
import pino from 'pino';

/** Of one file; then it becomes the old one, and the old one before is gone. Guess. */
export const logFileBytesMax = 16 << 20;

export interface LogFile {
  readonly destination: pino.DestinationStream;
  /** What is still in memory goes to the disk. */
  close(): void;
}

export interface LogFileOptions {
  readonly file: string;
  /** Where the one before it goes. */
  readonly older: string;
  /** It cannot be written any more. Once. */
  readonly onLost: (error: Error) => void;
  readonly bytesMax?: number;
}

/** @throws system errors where it cannot be opened */
export function openLogFile({ file, older, onLost, bytesMax = logFileBytesMax }: LogFileOptions): LogFile {
  const destination = pino.destination({ dest: file, append: true, sync: true });
  const found = lstatSync(file);
  let bytes = found.size;
  let isLost = false;
  destination.on('write', (written: number) => {
    bytes += written;
    // A device, or what somebody linked to one, is not ours to move.
    if (bytes < bytesMax || isLost || !found.isFile()) return;
    bytes = 0;
    try {
      renameSync(file, older);
      destination.reopen();
    } catch {
      // It grows on: better than none.
    }
  });
  destination.on('error', (error: Error) => {
    if (isLost) return;
    isLost = true;
    destination.destroy();
    onLost(error);
  });
  return {
    destination,
    close: () => {
      if (!isLost) destination.flushSync();
    },
  };
}
