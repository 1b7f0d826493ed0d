/** What a node of a run would understand of data, and refuse. */
import { DataFileError } from '../datasets/data-error.ts';
import type { ModelSpec } from '../models/registry.ts';
import { type DataReport, orRefused, Refusals } from './data-report.ts';
import { refuseUnreadable } from './refuse-unreadable.ts';
import { loadTaskData, type TaskSpec, taskKindOf } from './registry.ts';

/** Beside what the kind finds, whether the model can take it; null: none is known yet. @throws DataFileError */
export async function inspectData(
  task: TaskSpec,
  model: ModelSpec | null,
  path: string,
): Promise<DataReport> {
  const { inspect } = taskKindOf(task);
  if (inspect === undefined) throw new DataFileError(`data of the kind ${task.kind} says nothing of itself`);
  const refused = new Refusals();
  await orRefused(() => refuseUnreadable(path), refused);
  if (refused.list().length > 0) return { files: [], parts: [], columns: null, refused: refused.list() };
  const report = await inspect(task, path, model);
  // All rows of a table have been looked at.
  if (model === null || report.refused.length > 0 || report.table) return report;
  await orRefused(() => loadTaskData(task, model, path), refused);
  return { ...report, refused: refused.list() };
}
