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

/** Reads a table. @throws DataFileError with `file:line` where the file is not such a table. */
export async function readCsvTable(file: string): Promise<CsvTable> {
  const { size } = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw new DataFileError(`${file}: expected a CSV file, but it cannot be opened (${error.code})`);
  });
  if (size > csvFileBytesMax) {
    throw new DataFileError(`${file}: expected at most ${csvFileBytesMax} bytes, found ${size}`);
  }
  return parseCsv(await readFile(file, 'utf8'), file);
}

/** Parses `text`; `file` only names it in errors. Blank lines are skipped; every row has the columns of the first. */
export function parseCsv(text: string, file: string): CsvTable {
  const values: number[] = [];
  const lines: number[] = [];
  let columns = 0;
  text.split(/\r?\n/).forEach((content, index) => {
    if (content.trim() === '') {
      return;
    }
    const fields = content.split(',');
    const line = index + 1;
    columns ||= fields.length;
    if (fields.length !== columns) {
      throw new DataFileError(
        `${file}:${line}: expected ${columns} columns as in the first row, found ${fields.length}`,
      );
    }
    fields.forEach((field, column) => {
      values.push(parseField(field.trim(), `${file}:${line}`, column));
    });
    lines.push(line);
  });
  if (lines.length === 0) {
    throw new DataFileError(`${file}: expected at least one row of numbers, found none`);
  }
  return { values: Float64Array.from(values), rows: lines.length, columns, lines: Uint32Array.from(lines) };
}

function parseField(field: string, where: string, column: number): number {
  if (MISSING.test(field)) {
    return Number.NaN;
  }
  const value = DECIMAL.test(field) ? Number(field) : Number.NaN;
  if (!Number.isFinite(value)) {
    throw new DataFileError(
      `${where}: expected a decimal number, NaN or nothing in column ${column}, found '${field.slice(0, 40)}'`,
    );
  }
  return value;
}
