/** A file of delimited text: what it is written in, what its columns are called, its rows one after another in bounded memory. */
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DataFileError } from '../../datasets/data-error.ts';
import { type CsvHead, type CsvNames, type CsvVisitor, type Delimiter, headerGiven } from './csv-head.ts';
import { bytesOf, type CsvRow, CsvScanner, textOf } from './csv-scanner.ts';
import { isMissing, NumberReader } from './field-values.ts';
import { readRecordFile, recordFormOf } from './record-files.ts';
import { Utf8Check } from './utf-8.ts';

const chunkBytes = 1 << 20;
/** From the one that text has least by chance: the first of equally good ones is taken. */
const delimiters: readonly Delimiter[] = ['\t', ';', '|', ','];

/**
 * Reads the file from its beginning to its end; `visit` is told of its head first. Returns what the head is. @throws DataFileError where it
 * is no such file, what the visitor throws
 */
export async function readCsvFile(
  file: string,
  names: CsvNames,
  visit: (head: CsvHead) => CsvVisitor,
): Promise<CsvHead> {
  const form = recordFormOf(file);
  if (form !== null) return readRecordFile(form, file, names, visit);
  const handle = await openFile(file);
  try {
    const { size } = await handle.stat();
    const first = await readChunk(handle, 0);
    const text = textPart(first, file);
    const encoding = new Utf8Check(file);
    encoding.push(text);
    const head = headOf(text, file, first.length === size, names);
    const visitor = visit(head);
    const scanner = new CsvScanner(file, head.delimiter, rowHandler(head, visitor));
    scanner.push(text);
    for (let at = first.length; at < size; ) {
      const chunk = await readChunk(handle, at);
      if (chunk.length === 0) break;
      encoding.push(chunk);
      scanner.push(chunk);
      at += chunk.length;
    }
    encoding.end();
    scanner.end();
    return head;
  } finally {
    await handle.close();
  }
}

/** Passes rows of the right width on; the first is left out where it is names. */
function rowHandler(head: CsvHead, { row: onRow, refuse }: CsvVisitor) {
  const { file, columns } = head;
  let isFirst = head.header !== null;
  const width = columns.length;
  return (row: CsvRow, why: string | null): void => {
    if (isFirst) {
      isFirst = false;
    } else if (why !== null) {
      refuse({ reason: 'quotes', sentence: `${file}:${row.line}: ${why}` });
    } else if (row.count !== width) {
      const sentence = `${file}:${row.line}: expected ${width} fields, one a column, found ${row.count}`;
      refuse({ reason: 'fields', sentence });
    } else {
      onRow(row);
    }
  };
}

async function openFile(file: string): Promise<FileHandle> {
  return open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    throw new DataFileError(`${file}: expected a CSV file, but it cannot be opened (${error.code})`);
  });
}

async function readChunk(handle: FileHandle, position: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(chunkBytes);
  const { bytesRead } = await handle.read(buffer, 0, chunkBytes, position);
  return buffer.subarray(0, bytesRead);
}

/** What files are that are often taken for a table, by how they begin. */
const otherFiles: readonly (readonly [bytes: readonly number[], what: string])[] = [
  [[0xff, 0xfe], 'text in UTF-16: save it as CSV in UTF-8'],
  [[0xfe, 0xff], 'text in UTF-16: save it as CSV in UTF-8'],
  [[0x50, 0x4b, 3, 4], 'a workbook or another ZIP archive: save the sheet as CSV in UTF-8'],
  [[0xd0, 0xcf, 0x11, 0xe0], 'an old Excel workbook: save the sheet as CSV in UTF-8'],
  [[0x1f, 0x8b], 'packed by gzip: unpack it first'],
  [[0x50, 0x41, 0x52, 0x31], 'a Parquet file: call it .parquet'],
  [[0x25, 0x50, 0x44, 0x46], 'a PDF document: name the table itself'],
];
const byteOrderMark = Buffer.of(0xef, 0xbb, 0xbf);

/** Without a byte order mark. @throws DataFileError where the first bytes are of something else */
function textPart(first: Buffer, file: string): Buffer {
  const other = otherFiles.find(([bytes]) => bytes.every((byte, at) => first[at] === byte));
  if (other) throw new DataFileError(`${file}: expected a CSV file, this is ${other[1]}`);
  if (first.subarray(0, 1000).includes(0)) {
    throw new DataFileError(
      `${file}: expected a CSV file, found NUL bytes, which no text has: if it is text in UTF-16, save it as CSV in UTF-8`,
    );
  }
  const text = byteOrderMark.equals(first.subarray(0, 3)) ? first.subarray(3) : first;
  if (text.toString('latin1').trim() === '') {
    throw new DataFileError(`${file}: there is nothing in it, expected a table with a row a line`);
  }
  return text;
}

function headOf(text: Buffer, file: string, isWhole: boolean, { headers, wanted }: CsvNames): CsvHead {
  const sampled = delimiters.map((delimiter) => sampleRows(text, file, delimiter, isWhole));
  const { delimiter, first } = sampled.reduce((best, one) => (one.score > best.score ? one : best));
  const { names, isText, bytes } = first!;
  const given = headers.find(({ length }) => length === names.length) ?? headers[0];
  const hasHeader =
    wanted === null
      ? isText && (given === undefined || given.some((name) => names.includes(name)))
      : given === undefined || wanted.every((name) => names.includes(name));
  const columns = hasHeader ? names : (given ?? names.map((_, column) => `column ${column}`));
  const twice = columns.find((name, at) => name !== '' && columns.indexOf(name) !== at);
  if (twice !== undefined) {
    throw new DataFileError(
      `${file}:1: two columns are called '${twice}', and columns go by their names; rename one; where the file has no row of names, ${headerGiven} gives them`,
    );
  }
  const header = hasHeader ? bytes : null;
  return {
    file,
    delimiter,
    columns,
    header,
    seemsNamed: isText && !hasHeader,
    numbers: new NumberReader(delimiter),
  };
}

interface Sample {
  readonly delimiter: Delimiter;
  readonly first: {
    readonly names: readonly string[];
    readonly isText: boolean;
    readonly bytes: Buffer;
  } | null;
  /** Share of the rows that have as many fields as the first; least where it divides nothing. */
  readonly score: number;
}

function sampleRows(text: Buffer, file: string, delimiter: Delimiter, isWhole: boolean): Sample {
  const counts: number[] = [];
  let first: Sample['first'] = null;
  const numbers = new NumberReader(delimiter);
  const scanner = new CsvScanner(file, delimiter, (row) => {
    counts.push(row.count);
    if (first !== null) return;
    const fields = Array.from({ length: row.count }, (_, field) => field);
    const names = fields.map((field) => textOf(row, field));
    // pandas leaves the name of its index empty.
    const isText = fields.every(
      (field) => names[field] === '' || !(isMissing(row, field) || !Number.isNaN(numbers.read(row, field))),
    );
    first = { names, isText, bytes: bytesOf(row) };
  });
  scanner.push(text);
  if (isWhole || counts.length === 0) scanner.end();
  const [width = 0] = counts;
  const alike = counts.filter((count) => count === width).length / counts.length;
  return { delimiter, first, score: width > 1 ? alike : delimiter === ',' ? 1e-9 : 0 };
}

/** The file that a path means. @throws DataFileError */
export async function onlyTableOf(path: string): Promise<string> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new DataFileError(
      `${path}: expected a CSV file or a folder with one, but it cannot be opened (${error.code})`,
    );
  });
  if (!found.isDirectory()) return path;
  const names = (await readdir(path)).filter(isTableName);
  if (names.length !== 1) {
    throw new DataFileError(
      `${path}: expected exactly one .csv, .tsv, .jsonl or .parquet file, found ${names.length}: name the file itself`,
    );
  }
  return join(path, names[0]!);
}

export function isTableName(file: string): boolean {
  return /\.(csv|tsv|tab)$/i.test(file) || recordFormOf(file) !== null;
}
