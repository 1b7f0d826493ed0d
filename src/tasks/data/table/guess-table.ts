/** The task that a table could be data of, by its looks: to start from, not to train with unread. */

import { DataFileError } from '../../datasets/data-error.ts';
import type { LabelHints } from '../data-report.ts';
import { type CsvHead, isTableName, onlyTableOf, readCsvFile } from './csv-file.ts';
import { type CsvRow, textOf } from './csv-scanner.ts';
import { isMissing } from './field-values.ts';
import { classesGuessedMax } from './inspect-table.ts';
import { fieldOf } from './row-encoder.ts';
import type { TableTask } from './table-schema.ts';

const heldOutEvery = 5;
/** A column of text with more different values is no category; it is left out. Guess. */
const categoriesMax = 50;

/** Of one column, in bounded memory. */
interface Profile {
  numbers: number;
  mean: number;
  /** Sum of squared distances from the mean (Welford 1962). */
  squares: number;
  texts: number;
  /** Different values, as long as there are no more than could be classes. */
  readonly values: Set<string>;
}

/**
 * The label is the column that the hints name, or the last; all other columns of numbers or of few different texts are features, with this
 * file's own mean and scale. Null for what is not named like a table. @throws DataFileError
 */
export async function guessTableTask(path: string, hints: LabelHints): Promise<TableTask | null> {
  const file = await onlyTableOf(path).catch((error: unknown) => {
    if (error instanceof DataFileError) return null;
    throw error;
  });
  if (file === null || !isTableName(file)) return null;
  let profiles: Profile[] = [];
  const head = await readCsvFile(file, { headers: [], wanted: null }, (found) => {
    profiles = found.columns.map(() => ({ numbers: 0, mean: 0, squares: 0, texts: 0, values: new Set() }));
    const row = (read: CsvRow) => {
      for (const [field, one] of profiles.entries()) note(one, found, read, field);
    };
    return { refuse: () => {}, row };
  });
  return taskOf(head, profiles, hints);
}

function note(profile: Profile, head: CsvHead, row: CsvRow, field: number): void {
  if (isMissing(row, field)) return;
  const value = head.numbers.read(row, field);
  if (Number.isNaN(value)) {
    profile.texts++;
  } else {
    const step = value - profile.mean;
    profile.mean += step / ++profile.numbers;
    profile.squares += step * (value - profile.mean);
  }
  if (profile.values.size <= classesGuessedMax) {
    profile.values.add(Number.isNaN(value) ? textOf(row, field) : String(value));
  }
}

function taskOf(head: CsvHead, profiles: readonly Profile[], hints: LabelHints): TableTask {
  const { columns, header } = head;
  const label = fieldOf(head, hints.label ?? columns.at(-1)!);
  const features = columns
    .map((column, field) => ({ column, field, ...profiles[field]! }))
    .filter(({ field }) => field !== label);
  const short = (value: number) => Number(value.toPrecision(4));
  const numeric = features.filter(isNumeric).map(({ column, mean, squares, numbers }) => ({
    column,
    mean: short(mean),
    // A column without spread has the scale 1.
    scale: short(Math.sqrt(squares / numbers)) || 1,
  }));
  const categorical = features
    .filter((one) => !isNumeric(one) && one.texts > 0 && one.values.size <= categoriesMax)
    .map(({ column, values }) => ({ column, values: [...values].sort() }));
  return {
    kind: 'table',
    ...(header === null ? { header: [...columns] } : {}),
    ...(numeric.length > 0 ? { numeric } : {}),
    ...(categorical.length > 0 ? { categorical } : {}),
    label: labelOf(columns[label]!, profiles[label]!, hints),
    heldOutEvery,
  };
}

/** Where most are numbers the others are mistakes, to be refused by line. */
function isNumeric({ numbers, texts }: Profile): boolean {
  return numbers > texts;
}

function labelOf(column: string, profile: Profile, { positiveAbove }: LabelHints): TableTask['label'] {
  if (positiveAbove !== undefined) return { column, positiveAbove };
  const { values } = profile;
  if (values.size > classesGuessedMax) return { column };
  if (!isNumeric(profile)) return { column, classes: [...values].sort() };
  const numbers = [...values].map(Number).filter((value) => !Number.isNaN(value));
  const largest = Math.max(...numbers);
  const areClassNumbers =
    numbers.every((value) => Number.isInteger(value) && value >= 0) && largest < classesGuessedMax;
  const isFromZero = areClassNumbers && numbers.includes(0);
  if (isFromZero || !numbers.every(Number.isInteger)) return { column };
  return { column, classes: numbers.sort((a, b) => a - b).map(String) };
}
