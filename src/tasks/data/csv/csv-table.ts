/** Numeric CSV without a header, as the run's `csv` task describes it. */
import { readFile, stat } from 'node:fs/promises';
import { DataFileError } from '../../datasets/data-error.ts';

/** A larger file is refused before it is read: 256 MiB (guess; tables of this size belong in binary files). */
const csvFileBytesMax = 1 << 28;

export interface CsvTable {
  /** Row-major, rows * columns; NaN where a value is missing. */
  readonly values: Float64Array;
  readonly rows: number;
  readonly columns: number;
  /** Line of the file (from 1) each row stands on. */
  readonly lines: Uint32Array;
}

/** Decimal numbers only: what `Number` accepts beyond them (0x10, Infinity) is a mistake in a table. */
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const MISSING = /^(nan)?$/i;

/** Takes notice of one thing in a file that is no such table; where it throws, reading ends. */
type Refuse = (sentence: string) => void;

const throwFirst: Refuse = (sentence) => {
  throw new DataFileError(sentence);
};

/**
 * Reads a table. @throws DataFileError with `file:line` where the file is not such a table, unless `refuse` only takes notice:
 * then rows that are none are left out.
 */
export async function readCsvTable(file: string, refuse: Refuse = throwFirst): Promise<CsvTable> {
  const { size } = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw new DataFileError(`${file}: expected a CSV file, but it cannot be opened (${error.code})`);
  });
  if (size > csvFileBytesMax) {
    throw new DataFileError(`${file}: expected at most ${csvFileBytesMax} bytes, found ${size}`);
  }
  return parseCsv(await readFile(file, 'utf8'), file, refuse);
}

/** Parses `text`; `file` only names it in errors. Blank lines are skipped; every row has the columns of the first. */
export function parseCsv(text: string, file: string, refuse: Refuse = throwFirst): CsvTable {
  const values: number[] = [];
  const lines: number[] = [];
  let columns = 0;
  text.split(/\r?\n/).forEach((content, index) => {
    if (content.trim() === '') {
      return;
    }
    const line = index + 1;
    const row = parseRow(content.split(','), `${file}:${line}`, refuse);
    if (row === null) {
      return;
    }
    columns ||= row.length;
    if (row.length !== columns) {
      refuse(`${file}:${line}: expected ${columns} columns as in the first row, found ${row.length}`);
      return;
    }
    values.push(...row);
    lines.push(line);
  });
  if (lines.length === 0) {
    refuse(`${file}: expected at least one row of numbers, found none`);
  }
  return { values: Float64Array.from(values), rows: lines.length, columns, lines: Uint32Array.from(lines) };
}

/** Null where a field is none. */
function parseRow(fields: readonly string[], where: string, refuse: Refuse): number[] | null {
  const values = fields.map((field) => parseField(field.trim()));
  const column = values.indexOf(null);
  if (column < 0) {
    return values as number[];
  }
  const found = `'${fields[column]!.trim().slice(0, 40)}'`;
  const isHeader = where.endsWith(':1') && values.every((value) => value === null);
  refuse(
    `${where}: expected a decimal number, NaN or nothing in column ${column}, found ${found}` +
      (isHeader ? ': names of columns, which are given by number; take the line out' : ''),
  );
  return null;
}

/** NaN where it is missing, null where it is no number. */
function parseField(field: string): number | null {
  if (MISSING.test(field)) {
    return Number.NaN;
  }
  const value = DECIMAL.test(field) ? Number(field) : Number.NaN;
  return Number.isFinite(value) ? value : null;
}
