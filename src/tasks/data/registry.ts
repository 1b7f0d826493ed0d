/** All kinds of tasks. A new one is its folder and two lines here: its import and its place. */
import type * as z from 'zod';
import { unionBy } from '../../registry/registry.ts';
import type { TaskData } from '../datasets/dataset.ts';
import type { ModelSpec } from '../models/registry.ts';
import { classification, type Objective } from '../objective.ts';
import { arrays } from './arrays/arrays.ts';
import { cifarImages } from './cifar-images/cifar-images.ts';
import { externalTask } from './external/external.ts';
import { idxImages } from './idx-images/idx-images.ts';
import { images } from './images/images.ts';
import { nothingTask } from './nothing/nothing.ts';
import { table } from './table/table.ts';
import type { TaskKind } from './task-kind.ts';
import { text } from './text/text.ts';

/** In the order of docs/CONFIG.md. */
export const taskKinds = [
  idxImages,
  cifarImages,
  images,
  text,
  table,
  arrays,
  nothingTask,
  externalTask,
] as const;

export const taskSchema = unionBy('kind', taskKinds);
export type TaskSpec = z.infer<typeof taskSchema>;

const byKind: ReadonlyMap<string, TaskKind> = new Map(taskKinds.map((kind) => [kind.kind, kind]));

export function taskKindOf(task: TaskSpec): TaskKind {
  return byKind.get(task.kind)!;
}

export function objectiveOf(task: TaskSpec): Objective {
  return taskKindOf(task).objective?.(task) ?? classification;
}

/** Before anything is replaced or started for it; what a trainer alone reads need be no path. @throws DataFileError */
export async function refuseUnreadableData(task: TaskSpec, paths: readonly string[]): Promise<void> {
  if (taskKindOf(task).inspect === undefined) return;
  const { refuseUnreadable } = await import('./refuse-unreadable.ts');
  for (const path of paths) await refuseUnreadable(path);
}

/** Reads what `task` describes from `path`, as examples that fit `model`. @throws DataFileError, DataShapeError */
export async function loadTaskData(task: TaskSpec, model: ModelSpec, path: string): Promise<TaskData> {
  const { refuseUnreadable } = await import('./refuse-unreadable.ts');
  await refuseUnreadable(path);
  return taskKindOf(task).open(task, model, path);
}
