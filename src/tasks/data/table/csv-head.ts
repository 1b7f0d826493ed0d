/** What is known of a table's file before its rows, and who is told of them. */
import { DataFileError } from '../../datasets/data-error.ts';
import type { CsvRow } from './csv-scanner.ts';
import type { NumberReader } from './field-values.ts';

export type Delimiter = '\t' | ';' | '|' | ',';

export interface CsvHead {
  readonly file: string;
  readonly delimiter: Delimiter;
  /** Names of the columns, from the first row or as they were given. */
  readonly columns: readonly string[];
  /** The row of names as it stands; null where the first row is none. */
  readonly header: Buffer | null;
  /** The first row is taken for no names and has no number: they may be names all the same. */
  readonly seemsNamed: boolean;
  /** Knows the file's decimal sign as soon as one was met. */
  readonly numbers: NumberReader;
}

/** One thing that is wrong with a row: rows of one `reason` are counted together. */
export interface RowProblem {
  readonly reason: string;
  readonly sentence: string;
}

export interface CsvVisitor {
  /** A row with as many fields as there are columns. */
  readonly row: (row: CsvRow) => void;
  /** Where it throws, reading ends. */
  readonly refuse: (problem: RowProblem) => void;
}

export interface CsvNames {
  /** Of the columns of a file without a header: the list as long as its rows, or the first. */
  readonly headers: readonly (readonly string[])[];
  /** Names that must be there for a first row to be one of names; null: it is where nothing in it is a number. */
  readonly wanted: readonly string[] | null;
}

/** @throws DataFileError where a column is not there */
export function fieldOf({ columns, file }: CsvHead, column: string): number {
  const field = columns.indexOf(column);
  if (field < 0) throw noColumn(file, column, columns);
  return field;
}

/** Whoever reads the sentence has a command line before them, or a run. */
export const headerGiven = '--header, or `header` of the task of a run,';

export function noColumn(file: string, column: string, columns: readonly string[]): DataFileError {
  const shown = columns.slice(0, 20).map((name) => `'${name.slice(0, 40)}'`);
  const more = columns.length > 20 ? ` and ${columns.length - 20} more` : '';
  return new DataFileError(
    `${file}: there is no column '${column}', only ${shown.join(', ')}${more}: check that it is the right file, and the name of the ` +
      `column; where the file has no row of names, ${headerGiven} gives them`,
  );
}
