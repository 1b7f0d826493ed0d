/** Rows of a file as a task has them: inputs, raw, without the label. */
import { type CsvHead, fieldOf, type RowProblem } from './csv-head.ts';
import type { CsvRow } from './csv-scanner.ts';
import { isMissing } from './field-values.ts';
import { listed, problemOf } from './row-problem.ts';
import { featureColumns } from './slots.ts';
import type { TableTask } from './table-schema.ts';
import { placesOf } from './value-list.ts';

/** Takes one row's values of a column into `out` from `at` on; what is wrong instead where something is. */
export interface ColumnEncoder {
  readonly column: string;
  readonly width: number;
  encode(row: CsvRow, out: Float64Array, at: number): RowProblem | null;
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
