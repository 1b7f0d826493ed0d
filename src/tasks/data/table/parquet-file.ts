/** A table in Parquet, a group of rows after another. What the file says of itself is a claim: no more is unpacked than is allowed. */
import { type FileHandle, open } from 'node:fs/promises';
import * as zlib from 'node:zlib';
import type { AsyncBuffer, Compressors, FileMetaData } from 'hyparquet';
import { DataFileError } from '../../datasets/data-error.ts';
import { columnsMax } from './csv-scanner.ts';
import type { RecordForm, RecordRow } from './record-form.ts';

/** Of one page of a column, and of all of a group of rows, unpacked. Guesses: writers make pages of 1 MiB, groups of 128. */
const pageBytesMax = 256 << 20;
const groupBytesMax = 2 ** 30;
const groupRowsMax = 1 << 24;
/** Of the description at its end. */
const metadataBytesMax = 64 << 20;

export const parquetFile: RecordForm = async (file, wanted, use) => {
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    throw new DataFileError(`${file}: expected a Parquet file, but it cannot be opened (${error.code})`);
  });
  try {
    const { parquetMetadataAsync, parquetSchema } = await import('hyparquet');
    const buffer = await bufferOf(handle, file);
    const metadata = await readable(file, () => parquetMetadataAsync(buffer));
    const columns = parquetSchema(metadata).children.map(({ element }) => element.name);
    if (columns.some((name) => typeof name !== 'string')) {
      throw new DataFileError(`${file}: its description names no columns: it is damaged`);
    }
    if (columns.length > columnsMax) {
      throw new DataFileError(`${file}: more than ${columnsMax} columns; keep those that the run names`);
    }
    checkGroups(file, metadata);
    const needed = wanted === null ? columns : columns.filter((column) => wanted.includes(column));
    await use({ columns, rows: rowsOf(file, buffer, metadata, needed) });
  } finally {
    await handle.close();
  }
};

async function* rowsOf(
  file: string,
  buffer: AsyncBuffer,
  metadata: FileMetaData,
  columns: readonly string[],
): AsyncGenerator<RecordRow> {
  const { parquetReadObjects } = await import('hyparquet');
  const compressors = await boundedCompressors();
  let rowStart = 0;
  for (const { num_rows } of metadata.row_groups) {
    const rowEnd = rowStart + Number(num_rows);
    const range = { rowStart, rowEnd };
    const records = Array.from({ length: rowEnd - rowStart }, (): Record<string, unknown> => ({}));
    // One after the other: of several that fail at once the library leaves all but one unhandled.
    for (const column of columns) {
      const options = { file: buffer, metadata, columns: [column], compressors, ...range };
      const values = await readable(file, () => parquetReadObjects(options));
      if (values.length !== records.length) {
        throw new DataFileError(`${file}: it says ${num_rows} rows and has ${values.length}: it is damaged`);
      }
      values.forEach((one, row) => {
        records[row]![column] = one[column];
      });
    }
    for (const [index, record] of records.entries()) yield { line: rowStart + index + 1, record };
    rowStart = rowEnd;
  }
}

/** @throws DataFileError before anything large is read */
function checkGroups(file: string, { row_groups: groups }: FileMetaData): void {
  for (const { num_rows, columns } of groups) {
    const rows = Number(num_rows);
    const bytes = columns.reduce((sum, one) => sum + Number(one.meta_data?.total_uncompressed_size ?? 0), 0);
    const isTooMany = columns.some((one) => Number(one.meta_data?.num_values ?? 0) > groupRowsMax);
    if (rows >= 0 && rows <= groupRowsMax && bytes <= groupBytesMax && !isTooMany) continue;
    throw new DataFileError(
      `${file}: a group of ${rows} rows takes ${bytes} bytes, more than ${groupRowsMax} rows or ${groupBytesMax} bytes: write it in smaller groups`,
    );
  }
}

async function bufferOf(handle: FileHandle, file: string): Promise<AsyncBuffer> {
  const { size: byteLength } = await handle.stat();
  const bytesOf = async (start: number, end: number): Promise<ArrayBuffer> => {
    const from = Math.max(0, start);
    const length = Math.min(end, byteLength) - from;
    if (!(length >= 0 && length <= groupBytesMax)) throw new RangeError('it points outside of itself');
    const bytes = new Uint8Array(length);
    const { bytesRead } = await handle.read(bytes, 0, length, from);
    if (bytesRead < length) throw new RangeError('it ends early');
    return bytes.buffer;
  };
  const slice = (start: number, end = byteLength): Promise<ArrayBuffer> => {
    const bytes = bytesOf(start, end);
    // Whoever reads ahead may never look at it.
    bytes.catch(() => {});
    return bytes;
  };
  const end = new DataView(await slice(byteLength - 8).catch(() => new ArrayBuffer(0)));
  const described = end.byteLength === 8 ? end.getUint32(0, true) : Number.NaN;
  // "PAR1", little-endian.
  if (!(end.byteLength === 8 && end.getUint32(4, true) === 0x31524150)) {
    throw new DataFileError(`${file}: this is no Parquet file, or not all of it`);
  }
  if (described > Math.min(metadataBytesMax, byteLength - 12)) {
    throw new DataFileError(
      `${file}: its description claims ${described} bytes of ${byteLength}: it is damaged`,
    );
  }
  const description = await slice(byteLength - 8 - described, byteLength - 8);
  await readable(file, () => checkTree(new DataView(description)));
  return { byteLength, slice };
}

/** The columns are a tree, each with how many below it: a reader that believes in more than there are looks for them for ever. */
async function checkTree(view: DataView<ArrayBuffer>): Promise<void> {
  const { deserializeTCompactProtocol } = await import('hyparquet/src/thrift.js');
  const schema: unknown = deserializeTCompactProtocol({ view, offset: 0 })['field_2'];
  if (!Array.isArray(schema)) throw new RangeError('it has no columns');
  const below = schema.map((one) => one?.field_5 ?? 0);
  if (below.some((count) => !(Number.isInteger(count) && count >= 0 && count < schema.length))) {
    throw new RangeError('its columns are no tree');
  }
  if (below.reduce((sum, count) => sum + count, 1) !== schema.length) {
    throw new RangeError('its columns are no tree');
  }
}

/** None of them makes more than the page says, and no page says more than is allowed. */
async function boundedCompressors(): Promise<Compressors> {
  const { snappyUncompress } = await import('hyparquet');
  const bounded =
    (unpack: (packed: Uint8Array, length: number) => Uint8Array) =>
    (packed: Uint8Array, length: number): Uint8Array => {
      if (length >= 0 && length <= pageBytesMax) return unpack(packed, length);
      throw new RangeError(`a page of ${length} bytes is more than ${pageBytesMax}`);
    };
  const most = (length: number) => ({ maxOutputLength: Math.max(1, length) });
  return {
    SNAPPY: bounded((packed, length) => {
      const page = new Uint8Array(length);
      snappyUncompress(packed, page);
      return page;
    }),
    GZIP: bounded((packed, length) => zlib.gunzipSync(packed, most(length))),
    BROTLI: bounded((packed, length) => zlib.brotliDecompressSync(packed, most(length))),
    ZSTD: bounded((packed, length) => zlib.zstdDecompressSync(packed, most(length))),
  };
}

/** What a reader of others throws, as one sentence. */
async function readable<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const [reason = ''] = (error as Error).message.split('\n');
    throw new DataFileError(`${file}: this Parquet file cannot be read: ${reason.slice(0, 200)}`);
  }
}
