/** A table in JSON Lines: an object of names and values a line. */
import { isUtf8 } from 'node:buffer';
import { type FileHandle, open } from 'node:fs/promises';
import { parseJson } from '../../../core/parse-json.ts';
import { DataFileError } from '../../datasets/data-error.ts';
import { columnsMax, rowBytesMax } from './csv-scanner.ts';
import type { RecordForm, RecordRow } from './record-form.ts';
import { notUtf8 } from './utf-8.ts';

const chunkBytes = 1 << 20;
/** Records whose names are the columns: what later ones have besides is passed over. Guess. */
const namingRecords = 1000;

export const jsonLinesFile: RecordForm = async (file, _wanted, use) => {
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    throw new DataFileError(`${file}: expected JSON Lines, but it cannot be opened (${error.code})`);
  });
  try {
    const rows = recordsOf(handle, file);
    const first: RecordRow[] = [];
    const columns = new Set<string>();
    while (first.length < namingRecords) {
      const { value, done } = await rows.next();
      if (done) break;
      first.push(value);
      for (const name of Object.keys(value.record ?? {})) columns.add(name);
    }
    if (columns.size === 0) {
      throw new DataFileError(`${file}: expected a JSON object of names and values a line, found none`);
    }
    if (columns.size > columnsMax) {
      throw new DataFileError(`${file}: more than ${columnsMax} names; keep those that the run names`);
    }
    const all = async function* (): AsyncGenerator<RecordRow> {
      yield* first;
      yield* rows;
    };
    await use({ columns: [...columns], rows: all() });
  } finally {
    await handle.close();
  }
};

/** Blank lines are no records. */
async function* recordsOf(handle: FileHandle, file: string): AsyncGenerator<RecordRow, undefined> {
  let line = 0;
  for await (const bytes of linesOf(handle, file)) {
    line++;
    if (!isUtf8(bytes)) throw notUtf8(file);
    const text = bytes.toString().replace(line === 1 ? /^\uFEFF/ : /^$/, '');
    if (text.trim() === '') continue;
    const record = parseJson(text);
    const isRecord = typeof record === 'object' && record !== null && !Array.isArray(record);
    yield isRecord
      ? { line, record: record as Record<string, unknown> }
      : { line, record: null, text: text.trim() };
  }
}

async function* linesOf(handle: FileHandle, file: string): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  let line = 1;
  for (;;) {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    const { bytesRead } = await handle.read(chunk, 0, chunkBytes, null);
    if (bytesRead === 0) break;
    let from = 0;
    const bytes = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
      yield bytes.subarray(from, end);
      from = end + 1;
      line++;
    }
    rest = bytes.subarray(from);
    if (rest.length > rowBytesMax) {
      throw new DataFileError(
        `${file}:${line}: a line of more than ${rowBytesMax} bytes is no row of a table`,
      );
    }
  }
  yield rest;
}
