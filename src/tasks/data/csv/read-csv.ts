/** The examples of a `csv` task: chosen columns, standardised, some rows held out. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DataFileError, DataShapeError } from '../../datasets/data-error.ts';
import { checkFits, type TaskData } from '../../datasets/dataset.ts';
import { LabelledRows } from '../../datasets/labelled-rows.ts';
import { outputsOf } from '../../models/model-layout.ts';
import type { ModelSpec } from '../../models/registry.ts';
import type { RawRows } from '../task-kind.ts';
import type { CsvTask } from './csv.ts';
import { type CsvTable, readCsvTable } from './csv-table.ts';

/** @throws DataFileError with `file:line`, DataShapeError */
export async function readCsv(
  task: CsvTask,
  model: ModelSpec,
  path: string,
): Promise<TaskData<LabelledRows>> {
  const file = await onlyCsvOf(path);
  const table = await readCsvTable(file);
  const lastColumn = Math.max(task.label, ...task.features);
  if (lastColumn >= table.columns) {
    throw new DataShapeError(
      `${file}: the task names column ${lastColumn}, the file has 0 to ${table.columns - 1}`,
    );
  }
  if (table.rows < task.heldOutEvery) {
    throw new DataShapeError(
      `${file}: ${table.rows} rows are too few to hold out every ${task.heldOutEvery}th: lower task.heldOutEvery or add rows`,
    );
  }
  const all = standardise(task, model, table, file);
  checkFits(all, model, file);
  const train: number[] = [];
  const heldOut: number[] = [];
  for (let row = 0; row < table.rows; row++) {
    ((row + 1) % task.heldOutEvery === 0 ? heldOut : train).push(row);
  }
  return { train: all.subset(train), heldOut: all.subset(heldOut) };
}

/**
 * The features of rows to predict, raw: by their columns, as in the file that was learned from, or where that cannot be because there are
 * fewer columns, all columns in the order of the task. The label is not looked at. @throws DataFileError, DataShapeError
 */
export async function readFeatureRows({ features }: CsvTask, file: string): Promise<RawRows> {
  const { values, rows, columns } = await readCsvTable(file);
  const count = features.length;
  const last = Math.max(...features);
  if (last >= columns && columns !== count) {
    throw new DataShapeError(
      `${file}: expected columns 0 to ${last} as in training, or the ${count} features alone, found ${columns} columns`,
    );
  }
  const columnOf = (feature: number) => (last < columns ? features[feature]! : feature);
  const raw = Float64Array.from({ length: rows * count }, (_, at) => {
    const row = Math.floor(at / count);
    return values[row * columns + columnOf(at % count)]!;
  });
  return { values: raw, columns: count };
}

/** The file that a path means. @throws DataFileError */
export async function onlyCsvOf(path: string): Promise<string> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new DataFileError(
      `${path}: expected a CSV file or a folder with one, but it cannot be opened (${error.code})`,
    );
  });
  if (!found.isDirectory()) {
    return path;
  }
  const names = (await readdir(path)).filter((name) => name.toLowerCase().endsWith('.csv'));
  if (names.length !== 1) {
    throw new DataFileError(
      `${path}: expected exactly one .csv file, found ${names.length}: name the file itself`,
    );
  }
  return join(path, names[0]!);
}

function standardise(task: CsvTask, model: ModelSpec, table: CsvTable, file: string): LabelledRows {
  const features = task.features.length;
  const inputs = new Float32Array(table.rows * features);
  const labels = new Int32Array(table.rows);
  for (let row = 0; row < table.rows; row++) {
    const value = (column: number): number => table.values[row * table.columns + column]!;
    task.features.forEach((column, feature) => {
      // A missing value becomes the mean, which standardises to zero.
      const standardised = (value(column) - task.mean[feature]!) / task.scale[feature]!;
      inputs[row * features + feature] = Number.isNaN(standardised) ? 0 : standardised;
    });
    labels[row] = labelOf(value(task.label), task, outputsOf(model), `${file}:${table.lines[row]}`);
  }
  return new LabelledRows({ features, inputs, scale: 1, labels });
}

/** The class that a value of the label's column means, of so many. @throws DataFileError, DataShapeError naming `where` */
export function labelOf(value: number, task: CsvTask, outputs: number, where: string): number {
  if (Number.isNaN(value)) {
    throw new DataFileError(`${where}: expected a label in column ${task.label}, found none`);
  }
  if (task.positiveAbove !== undefined) {
    return value > task.positiveAbove ? 1 : 0;
  }
  if (!Number.isInteger(value) || value < 0 || value >= outputs) {
    throw new DataShapeError(
      `${where}: expected a class from 0 to ${outputs - 1} in column ${task.label}, found ${value}`,
    );
  }
  return value;
}
