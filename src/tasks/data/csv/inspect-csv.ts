/** What a table holds, and the task that it could be data of. */
import { DataFileError, DataShapeError } from '../../datasets/data-error.ts';
import { type DataReport, type LabelHints, orRefused, type PartReport } from '../data-report.ts';
import type { CsvTask } from './csv.ts';
import { type CsvTable, readCsvTable } from './csv-table.ts';
import { labelOf, onlyCsvOf } from './read-csv.ts';

/** More classes than this are no classes: the column is a measurement. Guess. */
const classesMax = 100;
const heldOutEvery = 5;

/**
 * A task whose label is the column that the hints name, or the last, whose features are all others, and whose mean and scale are
 * this file's own. Null for what is not named `.csv`.
 */
export async function guessCsvTask(path: string, hints: LabelHints): Promise<CsvTask | null> {
  const file = await onlyCsvOf(path).catch((error: unknown) => {
    if (error instanceof DataFileError) return null;
    throw error;
  });
  if (file === null || !file.toLowerCase().endsWith('.csv')) return null;
  const table = await readCsvTable(file, () => {});
  const label = hints.label ?? Math.max(0, table.columns - 1);
  const features = Array.from({ length: table.columns }, (_, column) => column).filter(
    (one) => one !== label,
  );
  const moments = features.map((column) => momentsOf(table, column));
  return {
    kind: 'csv',
    features,
    label,
    ...(hints.positiveAbove === undefined ? {} : { positiveAbove: hints.positiveAbove }),
    mean: moments.map(({ mean }) => mean),
    scale: moments.map(({ scale }) => scale),
    heldOutEvery,
  };
}

export async function inspectCsv(task: CsvTask, path: string): Promise<DataReport> {
  const refused: string[] = [];
  const file = await orRefused(() => onlyCsvOf(path), refused);
  if (file === null) return { files: [], parts: [], columns: null, missing: [], refused };
  const table = await readCsvTable(file, (sentence) => refused.push(sentence));
  const { rows, columns } = table;
  // Of lines of which none is understood there is nothing more to be said.
  if (rows === 0 && refused.length > 0)
    return { files: [file], parts: [], columns: null, missing: [], refused };
  const last = Math.max(task.label, ...task.features);
  if (last >= columns)
    refused.push(`${file}: the task names column ${last}, the file has 0 to ${columns - 1}`);
  if (rows < task.heldOutEvery) {
    refused.push(`${file}: ${rows} rows are too few to hold out every ${task.heldOutEvery}th`);
  }
  const missing = [...new Set([...task.features, task.label])]
    .map((column) => ({ column, count: missingOf(table, column) }))
    .filter(({ count }) => count > 0);
  return { files: [file], parts: partsOf(task, table, file, refused), columns, missing, refused };
}

/** Train and held out, as `readCsv` divides them; rows whose label is refused are in neither. */
function partsOf(task: CsvTask, table: CsvTable, file: string, refused: string[]): PartReport[] {
  const parts = { train: new Map<number, number>(), 'held out': new Map<number, number>() };
  for (let row = 0; task.label < table.columns && row < table.rows; row++) {
    const value = table.values[row * table.columns + task.label]!;
    const label = classOf(value, task, `${file}:${table.lines[row]}`, refused);
    if (label === null) continue;
    const counts = parts[(row + 1) % task.heldOutEvery === 0 ? 'held out' : 'train'];
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const classes = 1 + Math.max(0, ...parts.train.keys(), ...parts['held out'].keys());
  return (['train', 'held out'] as const).map((name) => {
    const counts = Array.from({ length: classes }, (_, label) => parts[name].get(label) ?? 0);
    return { name, rows: counts.reduce((sum, count) => sum + count, 0), classes: counts };
  });
}

function classOf(value: number, task: CsvTask, where: string, refused: string[]): number | null {
  try {
    return labelOf(value, task, classesMax, where);
  } catch (error) {
    if (!(error instanceof DataFileError || error instanceof DataShapeError)) throw error;
    refused.push(error.message);
    return null;
  }
}

function missingOf({ values, rows, columns }: CsvTable, column: number): number {
  let count = 0;
  for (let row = 0; row < rows; row++) if (Number.isNaN(values[row * columns + column])) count++;
  return count;
}

/** Of what is there in a column; a column without spread has the scale 1. Four digits: nobody needs more. */
function momentsOf({ values, rows, columns }: CsvTable, column: number): { mean: number; scale: number } {
  const present = Array.from({ length: rows }, (_, row) => values[row * columns + column]!).filter(
    (value) => !Number.isNaN(value),
  );
  if (present.length === 0) return { mean: 0, scale: 1 };
  const mean = present.reduce((sum, value) => sum + value, 0) / present.length;
  const variance = present.reduce((sum, value) => sum + (value - mean) ** 2, 0) / present.length;
  const short = (value: number) => Number(value.toPrecision(4));
  return { mean: short(mean), scale: short(Math.sqrt(variance)) || 1 };
}
