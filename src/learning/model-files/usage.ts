/** What other programs must know to ask a model: what its inputs and outputs are. */
import { objectiveOf, type TaskSpec, taskKindOf } from '../../tasks/data/registry.ts';
import type { Names, Scaling } from '../../tasks/data/scaling.ts';
import { exampleShapeOf, inputsOf, outputsOf } from '../../tasks/models/model-layout.ts';
import type { ModelSpec } from '../../tasks/models/registry.ts';
import type { Objective, Target } from '../../tasks/objective.ts';
import { ModelFileError } from '../learning-error.ts';

export interface Usage {
  readonly task: TaskSpec;
  readonly inputs: string;
  readonly outputs: string;
  readonly inputShape: readonly number[];
  /** What values of a row are called; of images nothing. */
  readonly features: readonly string[];
  /** Of classes or labels; of a number nothing. */
  readonly classes: readonly string[];
  /** The number that it says; absent where it is none. */
  readonly target?: Target;
  readonly mean: Scaling['mean'];
  readonly scale: Scaling['scale'];
}

const outputsInWords: Readonly<Record<Objective['kind'], string>> = {
  classification: 'probabilities of the classes',
  regression: 'the target in the units of the data',
  'multi-label': 'the probability of each label, one beside the other',
};

/** What is known of it; of text there is nothing to scale, and bytes have no names. */
export function usageWhere(model: ModelSpec, task: TaskSpec): Usage | { readonly task: TaskSpec } {
  return taskKindOf(task).scaling === undefined ? { task } : usageOf(model, task);
}

/** @throws ModelFileError for a task whose examples are no rows of values */
export function usageOf(model: ModelSpec, task: TaskSpec): Usage {
  const objective = objectiveOf(task);
  const named: Names = taskKindOf(task).names?.(task) ?? { features: null, classes: null };
  const inputShape = exampleShapeOf(model);
  const numbered = inputShape.length === 1 ? inputsOf(model) : 0;
  return {
    task,
    inputs:
      named.inputs ?? 'raw values, one row for each example; what is missing is replaced by its mean before',
    outputs: outputsInWords[objective.kind],
    ...(objective.kind === 'regression' ? { target: objective.target } : {}),
    inputShape,
    features: named.features ?? Array.from({ length: numbered }, (_, index) => `feature ${index}`),
    classes: classNamesOf(model, task),
    ...scalingOf(task),
  };
}

/** Of classes, as people call them, else their numbers; of labels; none of a number. */
export function classNamesOf(model: ModelSpec, task: TaskSpec): readonly string[] {
  const objective = objectiveOf(task);
  if (objective.kind === 'regression') return [];
  if (objective.kind === 'multi-label') return objective.labels;
  const { classes } = taskKindOf(task).names?.(task) ?? { classes: null };
  return classes ?? Array.from({ length: outputsOf(model) }, (_, index) => String(index));
}

/** @throws ModelFileError */
export function scalingOf(task: TaskSpec): Scaling {
  const { scaling } = taskKindOf(task);
  if (scaling !== undefined) return scaling(task);
  throw new ModelFileError(`examples of ${task.kind} are no rows of values: export the model as safetensors`);
}
