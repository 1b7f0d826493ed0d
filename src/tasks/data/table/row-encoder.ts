/** Rows of a file as a task has them: inputs, raw, without the label. */
import { DataFileError, DataShapeError } from '../../datasets/data-error.ts';
import type { CsvHead, RowProblem } from './csv-head.ts';
import { type CsvRow, textOf } from './csv-scanner.ts';
import { isMissing } from './field-values.ts';
import { featureColumns } from './slots.ts';
import type { TableTask } from './table-schema.ts';
import { placesOf } from './value-list.ts';

/** Takes one row's values of a column into `out` from `at` on; what is wrong instead where something is. */
export interface ColumnEncoder {
  readonly column: string;
  readonly width: number;
  encode(row: CsvRow, out: Float64Array, at: number): RowProblem | null;
}

/** @throws DataFileError where a column is not there */
export function fieldOf({ columns, file }: CsvHead, column: string): number {
  const field = columns.indexOf(column);
  if (field < 0) throw noColumn(file, column, columns);
  return field;
}

export function noColumn(file: string, column: string, columns: readonly string[]): DataFileError {
  const shown = columns.slice(0, 20).map((name) => `'${name.slice(0, 40)}'`);
  const more = columns.length > 20 ? ` and ${columns.length - 20} more` : '';
  return new DataFileError(
    `${file}: there is no column '${column}', only ${shown.join(', ')}${more}: check that it is the right file, or name its ` +
      'columns with task.header',
  );
}

/** In the order of the slots. Missing numbers are NaN. */
export function encodersOf(task: TableTask, head: CsvHead): ColumnEncoder[] {
  const { numeric = [], categorical = [] } = task;
  for (const column of featureColumns(task)) fieldOf(head, column);
  return [
    ...numeric.map((one) => numericEncoder(head, one)),
    ...categorical.map((one) => categoricalEncoder(head, one)),
  ];
}

/** All of them: takes a row into `out`, or says what is wrong with it. */
export function rowEncoder(
  task: TableTask,
  head: CsvHead,
): (row: CsvRow, out: Float64Array) => RowProblem | null {
  const encoders = encodersOf(task, head);
  return (row, out) => {
    let at = 0;
    for (const one of encoders) {
      const problem = one.encode(row, out, at);
      if (problem) return problem;
      at += one.width;
    }
    return null;
  };
}

type Numeric = NonNullable<TableTask['numeric']>[number];

function numericEncoder(head: CsvHead, task: Numeric): ColumnEncoder {
  const { column, missingValues = [], missingIndicator: hasIndicator = false } = task;
  const field = fieldOf(head, column);
  const { numbers } = head;
  return {
    column,
    width: hasIndicator ? 2 : 1,
    encode: (row, out, at) => {
      const value = numbers.read(row, field);
      const isAbsent = missingValues.includes(value);
      out[at] = isAbsent ? Number.NaN : value;
      if (hasIndicator) out[at + 1] = isAbsent || Number.isNaN(value) ? 1 : 0;
      if (!Number.isNaN(value) || isMissing(row, field)) return null;
      const sign = numbers.isDecimalComma ? ' with a decimal comma, as this file has them,' : '';
      return problemOf(head, row, field, 'number', `expected a decimal number${sign} or a missing value`);
    },
  };
}

type Categorical = NonNullable<TableTask['categorical']>[number];

function categoricalEncoder(head: CsvHead, task: Categorical): ColumnEncoder {
  const { column, values, unknown, missingIndicator = false } = task;
  const field = fieldOf(head, column);
  const places = placesOf(values, head.numbers);
  const other = unknown === 'other' ? 1 : 0;
  const width = values.length + other + (missingIndicator ? 1 : 0);
  return {
    column,
    width,
    encode: (row, out, at) => {
      out.fill(0, at, at + width);
      const place = places(row, field);
      if (place >= 0) out[at + place] = 1;
      else if (isMissing(row, field)) {
        if (missingIndicator) out[at + width - 1] = 1;
      } else if (other) out[at + values.length] = 1;
      else return problemOf(head, row, field, 'category', `expected one of ${listed(values)}`);
      return null;
    },
  };
}

/** A label of many classes is refused as one. */
export function shapeErrorOf({ reason, sentence }: RowProblem): Error {
  return reason.startsWith('label') ? new DataShapeError(sentence) : new DataFileError(sentence);
}

export function problemOf(
  head: CsvHead,
  row: CsvRow,
  field: number,
  kind: string,
  expected: string,
): RowProblem {
  const column = head.columns[field]!;
  const found = isMissing(row, field) ? 'none' : `'${textOf(row, field).slice(0, 40)}'`;
  const hint =
    head.seemsNamed && row.line === 1
      ? ': this row seems to have names of the columns, other ones than the task; rename them in the file, or leave task.header out'
      : '';
  return {
    reason: `${kind} ${column}`,
    sentence: `${head.file}:${row.line}: ${expected} in column '${column}', found ${found}${hint}`,
  };
}

export function listed(values: readonly string[]): string {
  const shown = values.slice(0, 10).map((value) => `'${value}'`);
  return `${shown.join(', ')}${values.length > 10 ? ` and ${values.length - 10} more` : ''}`;
}
