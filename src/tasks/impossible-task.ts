import type { Impossible } from '../registry/impossible.ts';
import { type TaskSpec, taskKindOf } from './data/registry.ts';
import { formOf } from './models/model-layout.ts';
import { type ModelSpec, modelKindOf, modelKindsTaking } from './models/registry.ts';

/** Why the model cannot be, or cannot learn the task; null where it can. */
export function impossibleTask(task: TaskSpec, model: ModelSpec): Impossible | null {
  const { feeds, impossible } = taskKindOf(task);
  if (!feeds.includes(formOf(model))) {
    return {
      path: ['model', 'kind'],
      message: `must be ${modelKindsTaking(feeds).join(' or ')} where the task is ${task.kind}`,
    };
  }
  return modelKindOf(model).impossible?.(model) ?? impossible?.(task, model) ?? null;
}
