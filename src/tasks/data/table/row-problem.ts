/** Sentences on rows of a table. */
import { DataFileError, DataShapeError } from '../../datasets/data-error.ts';
import type { CsvHead, RowProblem } from './csv-head.ts';
import { type CsvRow, textOf } from './csv-scanner.ts';
import { isMissing } from './field-values.ts';

export const throwProblem = ({ sentence }: RowProblem): never => {
  throw new DataFileError(sentence);
};

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
