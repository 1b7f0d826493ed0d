/** What the columns of a table are like, in counts and moments: what can be added up over sites, and no row. */

import { readCsvFile } from './csv-file.ts';
import type { CsvHead } from './csv-head.ts';
import { type CsvRow, textOf } from './csv-scanner.ts';
import { isMissing } from './field-values.ts';

/** A column with more different values has no classes and no categories. Guess. */
export const valuesMax = 100;

export interface ColumnProfile {
  readonly column: string;
  readonly missing: number;
  /** Fields that are numbers. */
  readonly numbers: number;
  readonly mean: number;
  /** Sum of squared distances from the mean. */
  readonly squares: number;
  /** Fields that are neither numbers nor missing. */
  readonly texts: number;
  /** How often each value is there; null where there are too many different ones. */
  readonly values: ReadonlyMap<string, number> | null;
}

export interface TableProfile {
  readonly rows: number;
  /** False where the columns have no names but those given here. */
  readonly hasNames: boolean;
  readonly columns: readonly ColumnProfile[];
}

/** Reads a file once, in memory that does not grow with it. Rows that are none are left out. @throws DataFileError */
export async function profileTable(file: string, header: readonly string[] | null): Promise<TableProfile> {
  let columns: GrowingProfile[] = [];
  let rows = 0;
  const names = { headers: header === null ? [] : [header], wanted: null };
  const head = await readCsvFile(file, names, (found) => {
    columns = found.columns.map((column) => new GrowingProfile(column));
    const row = (read: CsvRow) => {
      rows++;
      for (let field = 0; field < columns.length; field++) columns[field]!.note(found, read, field);
    };
    return { refuse: () => {}, row };
  });
  return { rows, hasNames: head.header !== null, columns };
}

class GrowingProfile implements ColumnProfile {
  readonly column: string;
  missing = 0;
  numbers = 0;
  mean = 0;
  squares = 0;
  texts = 0;
  values: Map<string, number> | null = new Map();

  constructor(column: string) {
    this.column = column;
  }

  note(head: CsvHead, row: CsvRow, field: number): void {
    if (isMissing(row, field)) {
      this.missing++;
      return;
    }
    const value = head.numbers.read(row, field);
    if (Number.isNaN(value)) {
      this.texts++;
    } else {
      // Welford (1962).
      const step = value - this.mean;
      this.mean += step / ++this.numbers;
      this.squares += step * (value - this.mean);
    }
    if (this.values === null) return;
    const key = Number.isNaN(value) ? textOf(row, field) : String(value);
    this.values.set(key, (this.values.get(key) ?? 0) + 1);
    if (this.values.size > valuesMax) this.values = null;
  }
}

/** As if the rows were of one table; of columns that not all have nothing is said. @throws RangeError without any */
export function mergeProfiles(profiles: readonly TableProfile[]): TableProfile {
  const [first, ...others] = profiles;
  if (first === undefined) throw new RangeError('to merge there must be profiles');
  const columns = first.columns.flatMap((one) => {
    const same = others.flatMap(({ columns: own }) => own.filter(({ column }) => column === one.column));
    return same.length === others.length ? [same.reduce(mergeColumns, one)] : [];
  });
  return {
    rows: profiles.reduce((sum, { rows }) => sum + rows, 0),
    hasNames: profiles.every(({ hasNames }) => hasNames),
    columns,
  };
}

/** Moments by Chan, Golub and LeVeque (1979). */
function mergeColumns(a: ColumnProfile, b: ColumnProfile): ColumnProfile {
  const numbers = a.numbers + b.numbers;
  const apart = b.mean - a.mean;
  const values = a.values && b.values && new Map(a.values);
  for (const [value, count] of b.values ?? []) values?.set(value, (values.get(value) ?? 0) + count);
  return {
    column: a.column,
    missing: a.missing + b.missing,
    numbers,
    mean: numbers === 0 ? 0 : a.mean + (apart * b.numbers) / numbers,
    squares: a.squares + b.squares + (numbers === 0 ? 0 : (apart ** 2 * a.numbers * b.numbers) / numbers),
    texts: a.texts + b.texts,
    values: values !== null && values.size <= valuesMax ? values : null,
  };
}
