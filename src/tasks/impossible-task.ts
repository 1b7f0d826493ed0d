import type { Impossible } from '../registry/impossible.ts';
import { objectiveOf, type TaskSpec, taskKindOf } from './data/registry.ts';
import { formOf, outputsOf } from './models/model-layout.ts';
import { type ModelSpec, modelKindOf, modelKindsTaking } from './models/registry.ts';
import { outputsFor } from './objective.ts';

/** Why the model cannot be, or cannot learn the task; null where it can. */
export function impossibleTask(task: TaskSpec, model: ModelSpec): Impossible | null {
  const { feeds, impossible } = taskKindOf(task);
  if (!feeds.includes(formOf(model))) {
    return {
      path: ['model', 'kind'],
      message: `must be ${modelKindsTaking(feeds).join(' or ')} where the task is ${task.kind}`,
    };
  }
  const wanted = outputsFor(objectiveOf(task));
  if (wanted !== null && outputsOf(model) !== wanted) {
    return { path: ['model', 'outputs'], message: `must be ${wanted}: what the task asks for` };
  }
  if (wanted === null && outputsOf(model) === 1) {
    return { path: ['model', 'outputs'], message: 'must be at least 2: one for each class' };
  }
  return modelKindOf(model).impossible?.(model) ?? impossible?.(task, model) ?? null;
}
