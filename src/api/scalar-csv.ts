/** Figures as rows of a CSV file, one figure a row: what comes later is added at its end. */
import {
  closeSync,
  existsSync,
  linkSync,
  openSync,
  readSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { csvLine } from '../core/csv-line.ts';
import type { ScalarSink } from './settled-figures.ts';

const head = csvLine(['time', 'run', 'node', 'round', 'figure', 'value']);

class ForeignCsvError extends Error {
  override readonly name = 'ForeignCsvError';
  readonly code = 'BAD_USAGE';
}

/** @throws ForeignCsvError where something else is there; system errors */
export function openScalarCsv(path: string): ScalarSink {
  begin(path);
  const file = openSync(path, 'a+');
  const start = Buffer.alloc(head.length + 1);
  const length = readSync(file, start, 0, start.length, 0);
  if (length === 0) writeSync(file, `${head}\n`);
  else if (start.toString('utf8', 0, length) !== `${head}\n`) {
    closeSync(file);
    throw new ForeignCsvError(`${path} holds something else than figures of starlings; name another file`);
  }
  return {
    write: ({ atMs, runId, node, round, figure, value }) => {
      const time = new Date(atMs).toISOString();
      writeSync(file, `${csvLine([time, runId, node, round, figure, value])}\n`);
    },
    close: () => closeSync(file),
  };
}

/** Nodes of a testnet add to one file, and each may be the first: it comes into being with its head. */
function begin(path: string): void {
  if (existsSync(path)) return;
  const draft = `${path}.${process.pid}-0.tmp`;
  writeFileSync(draft, `${head}\n`, { flag: 'wx' });
  try {
    linkSync(draft, path);
  } catch (error) {
    // Another was first. Where there are no links, the head is written to the empty file.
    if (!['EEXIST', 'EPERM', 'ENOTSUP', 'ENOSYS'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw error;
  } finally {
    unlinkSync(draft);
  }
}
