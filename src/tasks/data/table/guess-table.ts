/** The task that a table could be data of, by its looks: to start from, not to train with unread. */
import { DataFileError } from '../../datasets/data-error.ts';
import type { LabelHints } from '../data-report.ts';
import { isTableName, onlyTableOf } from './csv-file.ts';
import { noColumn } from './csv-head.ts';
import { type ColumnProfile, profileTable, type TableProfile, valuesMax } from './table-profile.ts';
import type { TableTask } from './table-schema.ts';

const heldOutEvery = 5;
/** A column of text with more different values is no category; it is left out. Guess. */
export const categoriesMax = 50;

/** With the file's own mean and scale. Null for what is not named like a table. @throws DataFileError */
export async function guessTableTask(path: string, hints: LabelHints): Promise<TableTask | null> {
  const file = await onlyTableOf(path).catch((error: unknown) => {
    if (error instanceof DataFileError) return null;
    throw error;
  });
  if (file === null || !isTableName(file)) return null;
  return taskOfProfile(await profileTable(file, hints.header ?? null), hints, file);
}

/**
 * The label is the column that the hints name, or the last; all other columns of numbers or of few different texts are features. `name` says
 * whose it is. @throws DataFileError where the label is not there
 */
export function taskOfProfile(
  { rows, columns, hasNames }: TableProfile,
  hints: LabelHints,
  name: string,
): TableTask {
  const wanted = hints.label ?? columns.at(-1)?.column;
  const label = columns.find(({ column }) => column === wanted);
  if (label === undefined)
    throw noColumn(
      name,
      wanted ?? '',
      columns.map(({ column }) => column),
    );
  const features = columns.filter((one) => one !== label);
  const numeric = features.filter(isNumeric).map(({ column, mean, squares, numbers }) => ({
    column,
    mean: short(mean),
    // A column without spread has the scale 1.
    scale: short(Math.sqrt(squares / numbers)) || 1,
  }));
  const categorical = features.flatMap((one) => {
    const { column, missing, texts, values } = one;
    if (isNumeric(one) || texts === 0 || values === null) return [];
    if (values.size === 0 || values.size > categoriesMax) return [];
    // Where fewer are told than there are, the others are rare.
    const told = [...values.values()].reduce((sum, count) => sum + count, 0);
    const rest = told < rows - missing ? { unknown: 'other' as const } : {};
    return [{ column, values: [...values.keys()].sort(), ...rest }];
  });
  return {
    kind: 'table',
    ...(hasNames ? {} : { header: columns.map(({ column }) => column) }),
    ...(numeric.length > 0 ? { numeric } : {}),
    ...(categorical.length > 0 ? { categorical } : {}),
    label: labelOf(label, hints),
    heldOutEvery,
  };
}

/** Where most are numbers the others are mistakes, to be refused by line. */
function isNumeric({ numbers, texts }: ColumnProfile): boolean {
  return numbers > texts;
}

/** Four digits: nobody needs more. */
function short(value: number): number {
  return Number(value.toPrecision(4));
}

function labelOf(profile: ColumnProfile, { positiveAbove }: LabelHints): TableTask['label'] {
  const { column, values } = profile;
  if (positiveAbove !== undefined) return { column, positiveAbove };
  const isNumber = isNumeric(profile);
  // What has so many values, or fractions for the most part, is measured and no class.
  const seen = [...(values?.keys() ?? [])].map(Number).filter((value) => !Number.isNaN(value));
  const isMeasured = !values?.size || 2 * seen.filter(Number.isInteger).length < seen.length;
  if (isNumber && isMeasured) {
    const { mean, squares, numbers } = profile;
    return { kind: 'number', column, mean: short(mean), scale: short(Math.sqrt(squares / numbers)) || 1 };
  }
  if (values === null) return { column };
  if (!isNumber) return { column, classes: [...values.keys()].sort() };
  const numbers = [...values.keys()].map(Number).filter((value) => !Number.isNaN(value));
  const areClassNumbers = numbers.every(
    (value) => Number.isInteger(value) && value >= 0 && value < valuesMax,
  );
  if ((areClassNumbers && numbers.includes(0)) || !numbers.every(Number.isInteger)) return { column };
  return { column, classes: numbers.sort((a, b) => a - b).map(String) };
}
