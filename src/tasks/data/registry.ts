/** All kinds of tasks. A new one is its folder and two lines here: its import and its place. */
import { stat } from 'node:fs/promises';
import type * as z from 'zod';
import { unionBy } from '../../registry/registry.ts';
import { DataFileError } from '../datasets/data-error.ts';
import type { TaskData } from '../datasets/dataset.ts';
import type { ModelSpec } from '../models/registry.ts';
import { cifarImages } from './cifar-images/cifar-images.ts';
import { idxImages } from './idx-images/idx-images.ts';
import { images } from './images/images.ts';
import { table } from './table/table.ts';
import type { TaskKind } from './task-kind.ts';
import { text } from './text/text.ts';

/** In the order of docs/CONFIG.md. */
export const taskKinds = [idxImages, cifarImages, images, text, table] as const;

export const taskSchema = unionBy('kind', taskKinds);
export type TaskSpec = z.infer<typeof taskSchema>;

const byKind: ReadonlyMap<string, TaskKind> = new Map(taskKinds.map((kind) => [kind.kind, kind]));

export function taskKindOf(task: TaskSpec): TaskKind {
  return byKind.get(task.kind)!;
}

/** Reads what `task` describes from `path`, as examples that fit `model`. @throws DataFileError, DataShapeError */
export async function loadTaskData(task: TaskSpec, model: ModelSpec, path: string): Promise<TaskData> {
  await refuseMissing(path);
  return taskKindOf(task).open(task, model, path);
}

/** What is not there is no matter of its format. @throws DataFileError */
async function refuseMissing(path: string): Promise<void> {
  try {
    await stat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new DataFileError(`${path} does not exist; check the path of the data`);
    if (code === 'ENOTDIR')
      throw new DataFileError(`${path} leads through a file; check the path of the data`);
  }
}
