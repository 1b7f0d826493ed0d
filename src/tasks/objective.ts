/** What a task asks of a model: what training minimises, what the model's outputs mean, and what an evaluation measures. */

/** A number in the units of the data. Models see (value - mean) / scale. */
export interface Target {
  readonly name: string;
  readonly mean: number;
  readonly scale: number;
  readonly unit?: string;
}

export type Objective =
  /** Cross-entropy of the softmax of the outputs; one class each row of outputs. */
  | { readonly kind: 'classification' }
  /** Mean squared error of the one output, in units of the target's scale. */
  | { readonly kind: 'regression'; readonly target: Target }
  /** Sigmoid cross-entropy of each output, in the mean over them; any number of the labels may hold. */
  | { readonly kind: 'multi-label'; readonly labels: readonly string[] };

export const classification: Objective = { kind: 'classification' };

/** Outputs that a model for it has; null where others say: classes. */
export function outputsFor(objective: Objective): number | null {
  switch (objective.kind) {
    case 'classification':
      return null;
    case 'regression':
      return 1;
    case 'multi-label':
      return objective.labels.length;
    default:
      return objective satisfies never;
  }
}

/** Numbers that one row's right answer is. */
export function answerWidth(objective: Objective): number {
  return outputsFor(objective) ?? 1;
}
