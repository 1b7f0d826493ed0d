/** The thread in which a Parquet file is read: a slice whenever one is asked for. */
import { parentPort, workerData } from 'node:worker_threads';
import { DataFileError } from '../../datasets/data-error.ts';
import type { ParquetAsked, ParquetTold } from './parquet-file.ts';
import { openParquet, type ParquetSlice } from './parquet-reading.ts';

async function* told({ file, wanted }: ParquetAsked): AsyncGenerator<ParquetTold, ParquetTold> {
  try {
    const { columns, needed, slices, close } = await openParquet(file, wanted);
    yield { columns, needed };
    try {
      for await (const slice of slices) yield sent(slice);
    } finally {
      await close();
    }
    return { isOver: true };
  } catch (error) {
    if (error instanceof DataFileError) return { refused: error.message };
    throw error;
  }
}

/** Lists and structures are told as what they are, several values: nothing more is known of them. */
function sent(slice: ParquetSlice): ParquetSlice {
  const values = slice.values.map((column) => column.map((value) => (isPlain(value) ? value : [])));
  return { ...slice, values };
}

function isPlain(value: unknown): boolean {
  return value === null || typeof value !== 'object' || value instanceof Date;
}

const all = told(workerData as ParquetAsked);
parentPort!.on('message', async () => {
  const { value } = await all.next();
  parentPort!.postMessage(value);
});
