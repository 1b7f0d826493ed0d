/**
 * A table in Parquet, which a thread reads: pages of a few bytes can claim more values than there is memory for, and have a decoder run for
 * ever.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { reasonOf } from '../../../core/as-error.ts';
import { DataFileError } from '../../datasets/data-error.ts';
import type { ParquetSlice } from './parquet-reading.ts';
import type { RecordForm, RecordRow } from './record-form.ts';

export interface ParquetAsked {
  readonly file: string;
  /** Null: all columns. */
  readonly wanted: readonly string[] | null;
}

export type ParquetTold =
  | { readonly columns: readonly string[]; readonly needed: readonly string[] }
  | ParquetSlice
  | { readonly refused: string }
  | { readonly isOver: true };

/** What the thread may take for an answer. Guesses: a group of 1 GiB from a slow disk takes less. */
const parquetLimits = {
  answerMsMax: 120_000,
  /** By how much the process may grow while it waits, or by half of what there is. */
  growthBytesMax: 3 * 2 ** 30,
};
const lookMs = 100;
/** Beyond what is looked for: whoever is at the limit of a heap and asks for a large array ends the whole process. */
const resourceLimits = { maxOldGenerationSizeMb: 1 << 16 };

export const parquetFile: RecordForm = (file, wanted, use) => readParquet(file, wanted, use);

/** @throws DataFileError, what `use` throws */
export async function readParquet(
  file: string,
  wanted: readonly string[] | null,
  use: Parameters<RecordForm>[2],
  limits = parquetLimits,
): Promise<void> {
  const workerData: ParquetAsked = { file, wanted };
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./parquet-thread.${extension}`, import.meta.url), {
    ...{ workerData, resourceLimits, name: 'starlings parquet' },
  });
  const next = (): Promise<ParquetTold> => answerOf(worker, file, limits);
  try {
    const head = await next();
    if (!('columns' in head))
      throw new DataFileError('refused' in head ? head.refused : `${file}: no columns`);
    await use({ columns: head.columns, rows: rowsOf(next, head.needed) });
  } finally {
    await worker.terminate();
  }
}

async function* rowsOf(
  next: () => Promise<ParquetTold>,
  columns: readonly string[],
): AsyncGenerator<RecordRow> {
  for (;;) {
    const told = await next();
    if ('refused' in told) throw new DataFileError(told.refused);
    if (!('values' in told)) return;
    for (let row = 0; row < told.rows; row++) {
      const record = Object.fromEntries(columns.map((column, at) => [column, told.values[at]![row]]));
      yield { line: told.from + row + 1, record };
    }
  }
}

/** @throws DataFileError where the thread takes too long or too much, or ends */
async function answerOf(
  worker: Worker,
  file: string,
  { answerMsMax, growthBytesMax }: typeof parquetLimits,
): Promise<ParquetTold> {
  const over = new AbortController();
  const { signal } = over;
  const refuse = (why: string): void =>
    over.abort(new DataFileError(`${file}: this Parquet file cannot be read: ${why}`));
  const bytesMax = process.memoryUsage.rss() + Math.min(growthBytesMax, process.availableMemory() / 2);
  const late = setTimeout(
    () => refuse(`a group of its rows takes longer than ${answerMsMax / 1000} s`),
    answerMsMax,
  );
  const look = setInterval(() => {
    if (process.memoryUsage.rss() > bytesMax) refuse('a group of its rows takes too much memory');
  }, lookMs);
  const ended = (): void => refuse('its reader ended');
  worker.once('exit', ended);
  worker.postMessage('next');
  try {
    const [told] = await once(worker, 'message', { signal });
    return told as ParquetTold;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw new DataFileError(`${file}: this Parquet file cannot be read: ${reasonOf(error).slice(0, 200)}`);
  } finally {
    clearTimeout(late);
    clearInterval(look);
    worker.off('exit', ended);
  }
}
