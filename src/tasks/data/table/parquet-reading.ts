/**
 * What the thread of a Parquet file reads, group after group. What the file says of itself is a claim: so many rows and values, and no more is
 * unpacked than is allowed. What its pages make a reader do beyond that ends with the thread.
 */
import { type FileHandle, open } from 'node:fs/promises';
import * as zlib from 'node:zlib';
import type { AsyncBuffer, Compressors, DecodedArray, FileMetaData } from 'hyparquet';
import { DataFileError } from '../../datasets/data-error.ts';
import { columnsMax } from './csv-scanner.ts';

/** Of one page of a column, and of all pages of a column and a group, unpacked. Guesses: writers make pages of 1 MiB, groups of 128. */
const pageBytesMax = 256 << 20;
const groupBytesMax = 2 ** 30;
const groupRowsMax = 1 << 24;
/** Of all columns that are read of a group: as many numbers take 1 GiB. */
const groupValuesMax = 1 << 27;
/** Rows that a file may have however short it is, and more for each byte: some packing makes nothing of what is alike. */
const [rowsAlways, rowsPerByteMax] = [1 << 20, 1024];
/** Of the description at its end. */
const metadataBytesMax = 64 << 20;
const sliceRows = 8192;

/** Rows of a file, one after the other: of each column that was asked for its values. */
export interface ParquetSlice {
  /** Rows before it. */
  readonly from: number;
  readonly rows: number;
  readonly values: readonly (readonly unknown[])[];
}

export interface OpenedParquet {
  readonly columns: readonly string[];
  /** Those whose values come. */
  readonly needed: readonly string[];
  readonly slices: AsyncIterable<ParquetSlice>;
  close(): Promise<void>;
}

/** @throws DataFileError */
export async function openParquet(file: string, wanted: readonly string[] | null): Promise<OpenedParquet> {
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
    const needed = wanted === null ? columns : columns.filter((column) => wanted.includes(column));
    checkGroups(file, metadata, needed.length, buffer.byteLength);
    return { columns, needed, slices: slicesOf(file, buffer, metadata, needed), close: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function* slicesOf(
  file: string,
  buffer: AsyncBuffer,
  metadata: FileMetaData,
  needed: readonly string[],
): AsyncGenerator<ParquetSlice> {
  let rowStart = 0;
  for (const { num_rows } of metadata.row_groups) {
    const rows = Number(num_rows);
    const columns: DecodedArray[][] = [];
    // One after the other: of several that fail at once the library leaves all but one unhandled.
    for (const column of needed) columns.push(await piecesOf(file, buffer, metadata, column, rowStart, rows));
    for (let at = 0; at < rows; at += sliceRows) {
      const to = Math.min(rows, at + sliceRows);
      const values = columns.map((pieces) => valuesIn(pieces, at, to));
      yield { from: rowStart + at, rows: to - at, values };
    }
    rowStart += rows;
  }
}

/** Values of a column in a group, as they came. @throws DataFileError */
async function piecesOf(
  file: string,
  buffer: AsyncBuffer,
  metadata: FileMetaData,
  column: string,
  rowStart: number,
  rows: number,
): Promise<DecodedArray[]> {
  const { parquetRead } = await import('hyparquet');
  const pieces: DecodedArray[] = [];
  await readable(file, async () =>
    parquetRead({
      ...{ file: buffer, metadata, columns: [column], rowStart, rowEnd: rowStart + rows },
      compressors: await boundedCompressors(),
      onChunk: ({ columnData }) => pieces.push(columnData),
    }),
  );
  const found = pieces.reduce((sum, { length }) => sum + length, 0);
  if (found === rows) return pieces;
  throw new DataFileError(`${file}: it says ${rows} rows and has ${found}: it is damaged`);
}

function valuesIn(pieces: readonly DecodedArray[], from: number, to: number): unknown[] {
  const values: unknown[] = [];
  let at = 0;
  for (const piece of pieces) {
    const [first, end] = [Math.max(0, from - at), Math.min(piece.length, to - at)];
    for (let index = first; index < end; index++) values.push(piece[index]);
    at += piece.length;
    if (at >= to) break;
  }
  return values;
}

/** @throws DataFileError before anything large is read */
function checkGroups(
  file: string,
  { row_groups: groups }: FileMetaData,
  needed: number,
  fileBytes: number,
): void {
  let all = 0;
  for (const { num_rows, columns } of groups) {
    const rows = Number(num_rows);
    const bytes = columns.reduce((sum, one) => sum + Number(one.meta_data?.total_uncompressed_size ?? 0), 0);
    const isTooMany = columns.some((one) => Number(one.meta_data?.num_values ?? 0) > groupRowsMax);
    const isFew = rows >= 0 && rows <= groupRowsMax && rows * needed <= groupValuesMax;
    all += rows;
    if (isFew && bytes <= groupBytesMax && !isTooMany) continue;
    throw new DataFileError(
      `${file}: a group of ${rows} rows takes ${bytes} bytes, more than ${groupRowsMax} rows, ${groupValuesMax} values or ${groupBytesMax} bytes: write it in smaller groups`,
    );
  }
  if (all <= rowsAlways + rowsPerByteMax * fileBytes) return;
  throw new DataFileError(`${file}: it claims ${all} rows in ${fileBytes} bytes: it is damaged`);
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

/** None of them makes more than the page says, no page says more than is allowed, and all that they are used for together neither. */
async function boundedCompressors(): Promise<Compressors> {
  const { snappyUncompress } = await import('hyparquet');
  let left = groupBytesMax;
  const bounded =
    (unpack: (packed: Uint8Array, length: number) => Uint8Array) =>
    (packed: Uint8Array, length: number): Uint8Array => {
      if (!(length >= 0 && length <= pageBytesMax)) {
        throw new RangeError(`a page of ${length} bytes is more than ${pageBytesMax}`);
      }
      left -= length;
      if (left < 0) throw new RangeError(`the pages of a group take more than ${groupBytesMax} bytes`);
      return unpack(packed, length);
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
