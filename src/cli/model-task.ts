/** What a saved model was trained for: how raw values become its inputs, and where examples to try it on are. */
import { readFile, stat } from 'node:fs/promises';
import * as z from 'zod';
import { ConfigError } from '../config/config-error.ts';
import { type TaskSpec, taskSchema } from '../run/run-spec.ts';
import { DataFileError, DataShapeError } from '../tasks/data/data-error.ts';
import { mnistFolder } from '../tasks/data/dataset.ts';
import { ModelFileError } from '../tensor/training-error.ts';
import type { FoundModel } from './model-source.ts';

/** A larger file of rows is refused before it is read. */
const inputBytesMax = 64 << 20;

/** The task in the file's metadata, which daemons write. @throws ModelFileError where another program wrote it. */
export function taskOf(found: FoundModel): TaskSpec {
  const text = found.metadata['task'];
  if (text !== undefined) {
    const parsed = taskSchema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
  }
  throw new ModelFileError(
    `${found.file} does not say what it was trained for; use the model that a node saved`,
  );
}

/** The folder given, else MNIST for images. @throws ConfigError where the user has to say. */
export function dataPathFor(task: TaskSpec, given: string | undefined): string {
  if (given !== undefined) return given;
  if (task.kind === 'idx-images') return mnistFolder();
  throw new ConfigError('BAD_USAGE', `this model was trained on ${task.kind}: name the data with --data`);
}

const rowsSchema = z.array(z.array(z.number().nullable())).min(1);

/**
 * Reads a JSON list of rows in the units of the data (pixels from 0 to 255; CSV features in the order of the
 * task, null where missing) and returns them scaled as in training, row-major.
 */
export async function readInputRows(file: string, task: TaskSpec, inputs: number): Promise<Float32Array> {
  const { size } = await stat(file);
  if (size > inputBytesMax) throw new DataFileError(`${file} has ${size} bytes, more than ${inputBytesMax}`);
  const parsed = rowsSchema.safeParse(parseJson(await readFile(file, 'utf8')));
  if (!parsed.success) {
    throw new DataFileError(`${file}: expected a JSON list of rows of numbers, for example [[0, 12, 255]]`);
  }
  const scaled = new Float32Array(parsed.data.length * inputs);
  for (const [row, values] of parsed.data.entries()) {
    if (values.length !== inputs) {
      throw new DataShapeError(`${file}: row ${row} has ${values.length} values, the model takes ${inputs}`);
    }
    for (const [column, value] of values.entries())
      scaled[row * inputs + column] = scaledValue(task, column, value);
  }
  return scaled;
}

/** A missing value becomes the mean, which is 0 once scaled. */
function scaledValue(task: TaskSpec, column: number, value: number | null): number {
  switch (task.kind) {
    case 'idx-images':
    case 'cifar-images':
      return (value ?? 0) / 255;
    case 'csv':
      return value === null ? 0 : (value - task.mean[column]!) / task.scale[column]!;
    case 'text':
      throw new DataShapeError('a language model has no rows of values');
    default:
      return task satisfies never;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
