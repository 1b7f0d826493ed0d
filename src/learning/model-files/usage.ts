/** What other programs must know to ask a model: what its inputs and outputs are. */
import { type TaskSpec, taskKindOf } from '../../tasks/data/registry.ts';
import type { Names, Scaling } from '../../tasks/data/scaling.ts';
import { exampleShapeOf, inputsOf, outputsOf } from '../../tasks/models/model-layout.ts';
import type { ModelSpec } from '../../tasks/models/registry.ts';
import { ModelFileError } from '../learning-error.ts';

export interface Usage {
  readonly task: TaskSpec;
  readonly inputs: string;
  readonly outputs: string;
  readonly inputShape: readonly number[];
  /** What values of a row are called; of images nothing. */
  readonly features: readonly string[];
  readonly classes: readonly string[];
  readonly mean: Scaling['mean'];
  readonly scale: Scaling['scale'];
}

/** @throws ModelFileError for a task whose examples are no rows of values */
export function usageOf(model: ModelSpec, task: TaskSpec): Usage {
  const named: Names = taskKindOf(task).names?.(task) ?? { features: null, classes: null };
  const inputShape = exampleShapeOf(model);
  const numbered = inputShape.length === 1 ? inputsOf(model) : 0;
  return {
    task,
    inputs:
      named.inputs ?? 'raw values, one row for each example; what is missing is replaced by its mean before',
    outputs: 'probabilities of the classes',
    inputShape,
    features: named.features ?? Array.from({ length: numbered }, (_, index) => `feature ${index}`),
    classes: classNamesOf(model, task),
    ...scalingOf(task),
  };
}

/** As people call them, else their numbers. */
export function classNamesOf(model: ModelSpec, task: TaskSpec): readonly string[] {
  const { classes } = taskKindOf(task).names?.(task) ?? { classes: null };
  return classes ?? Array.from({ length: outputsOf(model) }, (_, index) => String(index));
}

/** @throws ModelFileError */
export function scalingOf(task: TaskSpec): Scaling {
  const { scaling } = taskKindOf(task);
  if (scaling !== undefined) return scaling(task);
  throw new ModelFileError(`examples of ${task.kind} are no rows of values: export the model as safetensors`);
}
