/** What a saved model was trained for: how raw values become its inputs, and where examples to try it on are. */

import * as z from 'zod';
import { ConfigError } from '../../../config/config-error.ts';
import { parseJson } from '../../../core/parse-json.ts';
import { ModelFileError } from '../../../learning/learning-error.ts';
import { readAtMost } from '../../../platform/node/read-at-most.ts';
import { type TaskSpec, taskKindOf, taskSchema } from '../../../tasks/data/registry.ts';
import { scaleValue } from '../../../tasks/data/scaling.ts';
import type { RawRows } from '../../../tasks/data/task-kind.ts';
import { DataFileError, DataShapeError } from '../../../tasks/datasets/data-error.ts';
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

/** The path given, else that of the data that came with the program. @throws ConfigError where the user has to say. */
export async function dataPathFor(task: TaskSpec, given: string | undefined): Promise<string> {
  if (given !== undefined) return given;
  const bundled = await taskKindOf(task).bundledData?.();
  if (bundled !== undefined) return bundled;
  throw new ConfigError('BAD_USAGE', `this model was trained on ${task.kind}: name the data with --data`);
}

const rowsSchema = z.array(z.array(z.number().nullable())).min(1);

/**
 * Reads rows in the units of the data and returns them scaled as in training, row-major: a JSON list of rows (pixels from 0 to 255; CSV
 * features in the order of the task, null where missing), or a file in the format of the task's own data.
 * @throws DataFileError, DataShapeError
 */
export async function readInputRows(file: string, task: TaskSpec, inputs: number): Promise<Float32Array> {
  const { scaling, readRows } = taskKindOf(task);
  if (scaling === undefined) throw new DataShapeError(`the examples of ${task.kind} are no rows of values`);
  const isJson = file.toLowerCase().endsWith('.json') || readRows === undefined;
  // JSON may come through a pipe, which ends.
  if (!isJson) {
    const { refuseUnreadable } = await import('../../../tasks/data/refuse-unreadable.ts');
    await refuseUnreadable(file);
  }
  const { values, columns } = isJson ? await readJsonRows(file, inputs) : await readRows(task, file);
  if (columns !== inputs) {
    throw new DataShapeError(`${file}: a row has ${columns} values, the model takes ${inputs}`);
  }
  const scales = scaling(task);
  return Float32Array.from(values, (value, at) => scaleValue(scales, at % inputs, value));
}

async function readJsonRows(file: string, inputs: number): Promise<RawRows> {
  const bytes = await readAtMost(file, inputBytesMax);
  if (bytes === null) throw new DataFileError(`${file} has more than ${inputBytesMax} bytes`);
  const parsed = rowsSchema.safeParse(parseJson(bytes.toString('utf8')));
  if (!parsed.success) {
    throw new DataFileError(`${file}: expected a JSON list of rows of numbers, for example [[0, 12, 255]]`);
  }
  const wrong = parsed.data.findIndex((values) => values.length !== inputs);
  if (wrong >= 0) {
    throw new DataShapeError(
      `${file}: row ${wrong} has ${parsed.data[wrong]!.length} values, the model takes ${inputs}`,
    );
  }
  return { values: parsed.data.flat().map((value) => value ?? Number.NaN), columns: inputs };
}
